"""What is packaged and published: whole, and nothing that only this repository needs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bridge import __version__
from tests.chart import chart


def test_the_package_holds_the_schema_and_no_examples(tmp_path: Path) -> None:
    chart.run(["package", str(chart.CHART), "--destination", str(tmp_path)])
    with tarfile.open(tmp_path / f"track-bridge-{__version__}.tgz") as archive:
        names = set(archive.getnames())
    assert {"track-bridge/values.schema.json", "track-bridge/README.md", "track-bridge/templates/NOTES.txt"} <= names
    assert not [name for name in names if name.startswith("track-bridge/ci/")]


def test_a_release_of_it_fits_into_the_secret_that_helm_keeps(tmp_path: Path) -> None:
    """1 MiB, compressed and encoded twice in base 64; each revision is one."""
    chart.run(["package", str(chart.CHART), "--destination", str(tmp_path)])
    (archive,) = tmp_path.glob("*.tgz")
    assert archive.stat().st_size < 250_000


@pytest.mark.parametrize("values", chart.CI, ids=[path.name for path in chart.CI])
def test_helm_has_nothing_to_complain_about(values: Path) -> None:
    said = chart.run(["lint", "--strict", "--values", str(values), str(chart.CHART)])
    assert "0 chart(s) failed" in said
