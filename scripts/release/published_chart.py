"""The chart as it is published: it names the image that was published with it, and where its pages are.

In the repository it names neither, since nobody knows there where they will be.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from scripts.release.problem import ReleaseProblemError


@dataclass(frozen=True, slots=True)
class Published:
    """Where the parts of one release are."""

    registry: str
    """``registry.example.com``."""
    repository: str
    """Of the image in it: ``team/track-bridge``."""
    digest: str
    """``sha256:…``: exactly the image that was built, signed and scanned."""
    home: str
    """Address of the repository."""
    pages: str
    """Address of this version's pages, without a slash at the end."""


def write(chart: Path, into: Path, published: Published) -> Path:
    """A copy of the folder `chart` in `into` with these facts in it; its path."""
    copy = into / chart.name
    shutil.copytree(chart, copy)
    values = copy / "values.yaml"
    text = values.read_text(encoding="utf-8")
    runbook = f"{published.pages}/runbook.html"
    # The image's block stands first, the alerts' key has its name once.
    for line, value in (
        (r'^  registry: ""$', f"  registry: {published.registry}"),
        (r"^  repository: track-bridge$", f"  repository: {published.repository}"),
        (r'^  digest: ""$', f"  digest: {published.digest}"),
        (r'^  runbookUrl: ""$', f"  runbookUrl: {runbook}"),
    ):
        text, found = re.subn(line, value, text, count=1, flags=re.MULTILINE)
        if not found:
            raise ReleaseProblemError(
                f"{values} has no line that matches {line}: the chart's values changed their form"
            )
    values.write_text(text, encoding="utf-8")
    about = copy / "Chart.yaml"
    about.write_text(
        f"{about.read_text(encoding='utf-8')}home: {published.home}\nsources: [{published.home}]\n", encoding="utf-8"
    )
    return copy
