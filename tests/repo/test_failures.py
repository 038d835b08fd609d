"""A failed test is read on a screen, whatever it has to tell; nothing of it is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import failures
from tests.failures import PROGRAMS, brief, file_of, shorten, shorten_teardown
from tests.support import programs
from tests.support.programs import LINES, WIDTH, Told

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


def numbered(what: str, count: int) -> str:
    return "".join(f"{what} {number}\n" for number in range(count))


RUNS = Told("track-bridge run", "runs, pid 7", out=numbered("{log}", 90), stacks=numbered("File", 90))
ENDED = Told("track-bridge check", "ended with 2", out=numbered("row", 3), err=numbered("why", 3))
WELL = Told("track-bridge topics", "ended with 0", is_well=True, out="it is all there\n")


def test_a_program_that_runs_or_failed_is_shown_in_five_lines_and_the_whole_of_each_is_kept(tmp_path: Path) -> None:
    report = failed("not within 30 s: it is delivered", SECTIONS)
    shorten(report, tmp_path, [WELL, ENDED, RUNS])

    said = printed(report).splitlines()
    at = said.index("track-bridge check: ended with 2")
    assert said[at + 1 : at + LINES] == ["row 1", "row 2", "why 1", "why 2"]
    assert said[at + LINES : at + 2 * LINES] == [
        "track-bridge run: runs, pid 7",
        *(f"{{log}} {n}" for n in range(86, 90)),
    ]
    assert "track-bridge topics" not in printed(report), "nobody asks for one that did what it should"
    assert len(said) <= 30
    whole = file_of(report, tmp_path).read_text()
    assert "--- track-bridge topics: ended with 0\nit is all there\n" in whole
    assert "--- track-bridge check: ended with 2\nrow 0\n" in whole
    assert "-- standard error\nwhy 0\n" in whole
    assert numbered("{log}", 90) in whole
    assert f"-- where its threads are\n{numbered('File', 90).rstrip()}" in whole


def test_many_programs_are_counted_and_a_long_line_is_cut(tmp_path: Path) -> None:
    report = failed("it failed", SECTIONS)
    shorten(report, tmp_path, [Told(f"program {number}", "runs", out="x" * 10_000) for number in range(20)])
    said = printed(report).splitlines()
    assert f"… {20 - PROGRAMS} more programs …" in said
    assert f"program {20 - PROGRAMS - 1}: runs" not in said
    assert [f"program {20 - PROGRAMS}: runs", f"{'x' * WIDTH}…"] == said[said.index("program 16: runs") :][:2]


def test_all_lines_of_one_stream_are_shown_where_the_other_is_silent() -> None:
    assert Told("p", "runs", err=numbered("why", 9)).in_short() == ["p: runs", *(f"why {n}" for n in range(5, 9))]
    assert Told("p", "runs", out="a\n", err=numbered("why", 9)).in_short()[1:] == ["a", "why 6", "why 7", "why 8"]
    assert Told("p", "runs").in_short() == ["p: runs"]


def test_what_fits_a_screen_with_its_programs_is_shown_with_all_of_them(tmp_path: Path) -> None:
    report = failed("assert 1 == 2", [])
    file = file_of(report, tmp_path)
    file.write_text("of an earlier run")
    shorten(report, tmp_path, [WELL, ENDED])
    assert report.sections == [("programs", f"{WELL.whole()}\n{ENDED.whole()}")]
    assert not file.exists()


def test_what_the_end_of_a_failed_test_prints_is_kept_with_its_failure_and_cut(tmp_path: Path) -> None:
    report = failed("it failed", SECTIONS)
    shorten(report, tmp_path)
    file = file_of(report, tmp_path)
    stacks = numbered("stack", 300)
    end = pytest.TestReport(
        report.nodeid, report.location, {}, "passed", None, "teardown",
        [("Captured stdout call", "x"), ("Captured stdout teardown", stacks)],
    )  # fmt: skip
    shorten_teardown(end, file)
    [(name, shown)] = end.sections
    assert name == "Captured stdout teardown"
    assert shown.splitlines()[-1] == "stack 299"
    assert len(shown.splitlines()) < 12
    whole = file.read_text()
    assert "line 2500" in whole
    assert whole.endswith(f"== Captured stdout teardown\n{stacks}")


class Playing:
    """A program whose end is told to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.may_run = True

    def told(self) -> Told:
        if not self.name:
            raise OSError("its log is gone")
        return Told(self.name, "runs", out="its last words\n")


def test_programs_of_an_earlier_test_are_shown_only_if_they_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_started", type(programs._started)(maxlen=programs.MOST))
    shared, own, broken = Playing("shared"), Playing("own"), Playing("")
    for each in (shared, own, own):
        programs.started(each)
    own.may_run = False
    assert [each.name for each in programs.told()] == ["shared", "own"]
    programs.next_test()
    programs.started(broken)
    shown, not_shown = programs.told()
    assert shown.name == "shared"
    assert not_shown.state == "cannot tell anything: OSError('its log is gone')"


CONFTEST = """
import pathlib, pytest
from tests.failures import Failures

def pytest_configure(config):
    config.pluginmanager.register(Failures(pathlib.Path(__file__).parent / "kept"))
"""
TEST = """
import pytest
from tests.support import programs

class Playing:
    may_run = True

    def told(self):
        return programs.Told("track-bridge run", "runs, pid 7", out="its last words\\n" * 100)

@pytest.fixture
def ends():
    yield
    print("how it ended\\n" * 100)

def test_it(ends):
    programs.started(Playing())
    assert not "an event"
"""


def test_a_run_shows_the_programs_of_a_failed_test_and_names_the_file(root: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    said = run.stdout.splitlines()
    assert run.returncode == 1, run.stdout
    at = said.index("track-bridge run: runs, pid 7")
    assert said[at + 1 : at + 5] == ["its last words"] * 4
    [file] = (tmp_path / "kept").iterdir()
    assert said[at + 5] == f"the whole: {file}"
    assert file.read_text().count("its last words") == 100
    assert file.read_text().count("how it ended") == 100
    assert said.count("how it ended") < 20
    assert run.stdout.count("its last words") == 4
    assert failures.FOLDER not in file.parents
