"""The pages of all versions side by side: each in a folder of its name, and a list of them in front."""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path
from typing import Final

from scripts.release.versions import parsed

_LIST: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>track-bridge</title></head>
<body><h1>track-bridge</h1><p>The pages of each version:</p><ul>
{lines}
</ul></body></html>
"""


def add(site: Path, version: str, into: Path) -> list[str]:
    """Copies `site` to ``into/VERSION`` and writes the list again; all versions, the newest first."""
    target = into / version
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(site, target)
    there = sorted((each.name for each in into.iterdir() if (each / "index.html").is_file()), key=parsed, reverse=True)
    lines = "\n".join(f'<li><a href="{escape(each)}/index.html">{escape(each)}</a></li>' for each in there)
    (into / "index.html").write_text(_LIST.format(lines=lines), encoding="utf-8")
    return there
