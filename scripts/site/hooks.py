"""What MkDocs calls while it builds the site: pages in its dialect, files from outside of ``docs/`` in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.site import markdown

ROOT = Path(__file__).parents[2]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Anchors are those of the repository: an alert's ``runbook_url`` works on both."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = lambda text, _separator: markdown.slug(text)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds each file that a page links to, and what those pages link to."""
    wanted = [f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md")]
    seen = set(wanted)
    while wanted:
        page = wanted.pop()
        for _, target in markdown.links((ROOT / page).read_text(encoding="utf-8")):
            path, _ = markdown.resolved(page, target)
            if markdown.is_address(target) or path in seen or path.startswith("docs/") or not (ROOT / path).is_file():
                continue
            seen.add(path)
            files.append(File.generated(config, markdown.place(path), abs_src_path=str(ROOT / path)))
            wanted += [path] if path.endswith(".md") else []
    return files


def on_page_markdown(text: str, page: Page, **_: Any) -> str:
    """A page of the repository in the site's dialect."""
    uri = page.file.src_uri
    path = uri.removeprefix(markdown.OUTSIDE) if uri.startswith(markdown.OUTSIDE) else f"docs/{uri}"
    return markdown.for_site(path, text)


def on_post_build(config: MkDocsConfig) -> None:
    """Leaves out the list of addresses, which holds the day of the build; refuses what is fetched from elsewhere."""
    site = Path(config.site_dir)
    for name in ("sitemap.xml", "sitemap.xml.gz"):
        (site / name).unlink(missing_ok=True)
    for file in sorted(site.rglob("*.html")):
        if fetched := markdown.fetched(file.read_text(encoding="utf-8")):
            raise PluginError(f"{file.relative_to(site)} fetches {fetched[0]}: a page must work without a network")
