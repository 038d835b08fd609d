"""A manifest to change in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.backfill.manifest import Manifest, PlannedRange, PlannedTopic
from bridge.backfill.run_directory import RunDirectory


@pytest.fixture
def manifest() -> Manifest:
    """Two partitions of one topic."""
    return Manifest(
        bridge="1.0",
        created="2026-11-29T12:00:00Z",
        mapping_hash="0123456789abcdef",
        engine=3,
        cluster_id="cluster-1",
        group="test",
        topics={"shop.orders": PlannedTopic("AAAAAAAAAAAAAAAAAAAAAQ", 2)},
        ranges=(
            PlannedRange("shop.orders", 0, 0, 10, "from the log's start to the committed offset"),
            PlannedRange("shop.orders", 1, 5, 25, "from the log's start to the committed offset"),
        ),
    )


@pytest.fixture
def run_directory(tmp_path: Path, manifest: Manifest) -> RunDirectory:
    """One with this manifest in it."""
    directory = RunDirectory(tmp_path / "run")
    with directory.created():
        directory.save(manifest)
    return directory
