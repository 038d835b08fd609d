"""A real run of `make demo`, as text in ``docs/pictures/demo.txt``, and the terminal that shows it, as SVG.

``python -m scripts.pictures.capture`` runs the demo and writes the text again; `make docs` draws it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from scripts.pictures.drawing import Drawing

ROOT = Path(__file__).parents[2]
TEXT = ROOT / "docs" / "pictures" / "demo.txt"
_LAST = "  Duplicates:"
"""The line with which the picture ends; the rest of the run are requests and dead letters one by one."""
_LINE = 17


def picture() -> str:
    """As SVG."""
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    drawing = Drawing(
        960, 62 + _LINE * len(lines), "A run of make demo",
        "A terminal. " + " ".join(line.strip() for line in lines if line.strip()),
    )  # fmt: skip
    for x, kind in ((22, "bad"), (40, "wait"), (58, "good")):
        drawing.box(x - 6, 12, 12, 12, kind=kind)
    drawing.text(80, 23, "$ make demo", "mono")
    for number, line in enumerate(lines):
        if line.strip():
            drawing.text(18, 54 + _LINE * number, line, "mono")
    return drawing.svg


def counted(text: str) -> dict[str, int]:
    """The numbers of records that a run ends with, by their word."""
    found = re.findall(
        r"^ +([\d,]+)  (consumed|delivered|filtered, \w+|dead-lettered|unaccounted for)", text, re.MULTILINE
    )
    return {name: int(number.replace(",", "")) for number, name in found}


def main() -> None:
    """Runs the demo, and keeps the part that the picture shows."""
    run = subprocess.run(
        ["/usr/bin/env", "make", "--silent", "demo"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    shown = run.stdout[: run.stdout.index("\n", run.stdout.index(_LAST)) + 1]
    TEXT.write_text(shown.strip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
