"""A failed test is read on a screen, whatever it has to tell; nothing of it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.failures import brief, shorten

SECTIONS = [("the broker's log", "\n".join(f"line {n}" for n in range(5000)))]


def failed(message: str, sections: list[tuple[str, str]]) -> pytest.TestReport:
    def within() -> None:  # pytest says nothing of a frame but the innermost
        raise AssertionError(message)

    with pytest.raises(AssertionError) as caught:
        within()
    longrepr = caught.getrepr(style="long")
    return pytest.TestReport(
        "tests/x.py::test_it[a/b]", ("tests/x.py", 1, "test_it"), {}, "failed", longrepr, "call", sections
    )


def printed(report: pytest.TestReport) -> str:
    return "\n".join([report.longreprtext, *(text for _, text in report.sections)])


def test_a_megabyte_of_explanation_is_a_screen_that_names_the_file_with_all_of_it(tmp_path: Path) -> None:
    message = "not within 30 s: 3 records are committed\n" + "\n".join(f"{n}: {'x' * 500}" for n in range(2000))
    report = failed(message, SECTIONS)
    shorten(report, tmp_path)

    said = printed(report)
    assert len(said.splitlines()) <= 30
    assert len(said) < 8000
    assert "test_failures.py:" in said
    assert "not within 30 s: 3 records are committed" in said
    assert "1999: " in said
    assert "line 4999" in said
    (file,) = tmp_path.iterdir()
    assert f"the whole: {file}" in said
    whole = file.read_text()
    assert f"1000: {'x' * 500}" in whole
    assert "line 2500" in whole


def test_one_line_without_end_is_cut_as_well(tmp_path: Path) -> None:
    report = failed("assert " + "x" * 100_000, [])
    shorten(report, tmp_path)
    assert len(printed(report)) < 2000


def test_what_fits_a_screen_is_left_as_it_is(tmp_path: Path) -> None:
    report = failed("assert 1 == 2", [("Captured log call", "one line")])
    before = printed(report)
    shorten(report, tmp_path)
    assert printed(report) == before
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_out_is_counted() -> None:
    assert brief("\n".join("abcdefgh"), 1, 2) == ["a", "… 5 lines …", "g", "h"]
    assert brief("\n".join("abcd"), 1, 2) == ["a", "b", "c", "d"]
