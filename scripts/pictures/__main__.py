"""Writes every picture into a folder: ``python -m scripts.pictures docs/pictures``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scripts.pictures import budget, capture, dead_letter, rebalance, records

PICTURES: Final[Mapping[str, Callable[[], str]]] = {
    "budget": budget.picture,
    "dead-letter": dead_letter.picture,
    "demo": capture.picture,
    "rebalance": rebalance.picture,
    "record": records.picture,
}


def main(folder: Path) -> None:
    """Draws them all again."""
    for name, picture in PICTURES.items():
        (folder / f"{name}.svg").write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
