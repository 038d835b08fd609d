"""What pyproject.toml says the bridge runs on; the pages and the workflow are held against it."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def classifiers() -> list[str]:
    """As the package's page in an index shows them."""
    found: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    return found


def pythons() -> list[str]:
    """As `3.11`, oldest first."""
    versions = [
        each.rpartition(" :: ")[2] for each in classifiers() if each.startswith("Programming Language :: Python :: 3.")
    ]
    return sorted(versions, key=lambda version: tuple(map(int, version.split("."))))


def systems() -> list[str]:
    """As `Linux`."""
    return [each.rpartition(" :: ")[2] for each in classifiers() if each.startswith("Operating System :: ")]
