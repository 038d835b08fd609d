"""The pages make a site: each is in the navigation, and each link and each anchor leads somewhere. Needs no MkDocs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.site import markdown

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(file.relative_to(ROOT))
    for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "helm/track-bridge/README.md")
)


def leaves(navigation: list[Any]) -> Iterator[str]:
    """The pages of a navigation, in order."""
    for entry in navigation:
        below = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from leaves(below) if isinstance(below, list) else [below]


def lost(page: str, text: str) -> list[str]:
    """Links of a page that lead nowhere."""
    found = []
    for line, target in markdown.links(text):
        if markdown.is_address(target):
            continue
        path, anchor = markdown.resolved(page, target)
        there = ROOT / path
        if path != page and not there.exists():
            found.append(f"{page}:{line}: there is no {path}")
        elif anchor and anchor not in markdown.anchors(text if path == page else there.read_text(encoding="utf-8")):
            found.append(f"{page}:{line}: {path} has no heading #{anchor}")
        elif path != page and anchor and markdown.is_folder(path):
            found.append(f"{page}:{line}: {path} is a folder and has no headings")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_every_anchor_of_a_page_leads_somewhere(page: str) -> None:
    assert lost(page, (ROOT / page).read_text(encoding="utf-8")) == []


def test_every_page_is_in_the_navigation_once(root: Path) -> None:
    navigation = list(leaves(yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert sorted(navigation) == sorted(markdown.place(page) for page in PAGES)


def test_the_way_in_leads_to_every_page(root: Path) -> None:
    text = (root / "docs" / "README.md").read_text(encoding="utf-8")
    led = {markdown.resolved("docs/README.md", target)[0] for _, target in markdown.links(text)}
    assert [page for page in PAGES if page.startswith("docs/") and page != "docs/README.md" and page not in led] == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = (
        "# One `key`\n\n[a](#one-key) [b](#two) [c](none.md) `[d](none.md)`\n"
        "```sh\n[e](none.md)\n```\n[f](production.md#none)\n"
    )
    assert lost("docs/page.md", text) == [
        "docs/page.md:3: docs/page.md has no heading #two",
        "docs/page.md:3: there is no docs/none.md",
        "docs/page.md:7: docs/production.md has no heading #none",
    ]


def test_anchors_are_those_that_repository_hosts_make() -> None:
    text = (
        "# The console (6)\n## `track.auth`\n## `a_b` · c, d?\n## [Try](x.md) it\n```md\n# no heading\n```\n## Try it\n"
    )
    assert markdown.anchors(text) == ["the-console-6", "trackauth", "a_b--c-d", "try-it", "try-it-1"]


def test_a_page_keeps_its_meaning_in_the_dialect_of_the_site() -> None:
    text = (
        "See [the chart](../helm/track-bridge/README.md#values), [how](a.md#b), [here](#c), [it](https://example.com/)\n"
        "and [a folder](../deploy/kustomize):\n- one\n  more\n- two\n\n| `a \\| b` | c \\| d |\n\n"
        "```yaml mapping\nx: [y](../z.md)\n```\n"
    )
    assert markdown.for_site("docs/page.md", text) == (
        "See [the chart](repository/helm/track-bridge/README.md#values), [how](a.md#b), [here](#c), "
        "[it](https://example.com/)\nand a folder:\n\n- one\n  more\n- two\n\n| `a | b` | c \\| d |\n\n"
        "```yaml\nx: [y](../z.md)\n```\n"
    )
    outside = "[pages](docs/README.md), [key](docs/a.md#b), [licence](LICENSE)"
    assert markdown.for_site("README.md", outside) == "[pages](../README.md), [key](../a.md#b), licence"


def test_what_a_page_would_fetch_from_elsewhere_is_found() -> None:
    html = '<a href="https://a.example/">a</a><script src="x.js"></script><link rel=x href="//b.example/c.css">'
    assert markdown.fetched(html) == ["//b.example/c.css"]
    assert markdown.fetched("<style>@import url(https://c.example/)</style>") == ["https://c.example/"]
