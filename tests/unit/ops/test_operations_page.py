from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bridge.ops import health
from bridge.ops.admin.server import MAX_HEAD, ServerLimits
from scripts import reference_tables

if TYPE_CHECKING:
    from bridge.ops.snapshot import Vitals

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == reference_tables.refreshed(page, reference_tables.blocks()), (
        "write them anew with: python -m scripts.reference_tables docs/operations.md"
    )


def test_every_reason_a_probe_can_give_is_on_the_page(vitals: Vitals) -> None:
    worst = replace(vitals, poll_age=1e6, loop_age=1e6, joined=False, unauthorized="x.", dead_letters="x.")
    findings = (
        *health.live(worst).findings,
        *health.ready(worst).findings,
        *health.ready(replace(vitals, stopping=True)).findings,
    )
    page = PAGE.read_text(encoding="utf-8")

    assert len({finding.reason for finding in findings}) == 6
    for finding in findings:
        assert re.search(rf"^\| `{finding.reason}` \|", page, re.MULTILINE)


def test_the_limits_on_the_page_are_those_in_force() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    limits = ServerLimits()

    assert f"more than {MAX_HEAD // 1024} KiB of headers" in page
    assert f"dropped after {limits.head_timeout:.0f} s, an idle connection after {limits.idle_timeout:.0f} s" in page
    assert f"more than {limits.connections} connections" in page
    assert f"has not done so for {health.DEFAULT_LIMITS.poll:.0f} s" in page
    assert f"has not run for {health.DEFAULT_LIMITS.loop:.0f} s" in page


def test_the_rewriter_replaces_a_block_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    marks = [f"<!-- begin {name} -->\nout of date\n<!-- end {name} -->" for name in reference_tables.blocks()]
    path.write_text("before\n" + "\nbetween\n".join(marks) + "\nafter\n", encoding="utf-8")

    reference_tables.main(path)

    page = path.read_text(encoding="utf-8")
    assert "out of date" not in page
    assert page.startswith("before\n")
    assert "\nbetween\n" in page
    assert page.endswith("\nafter\n")


def test_a_page_without_a_place_for_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- begin metrics -->"):
        reference_tables.refreshed("no place", {"metrics": "x"})
