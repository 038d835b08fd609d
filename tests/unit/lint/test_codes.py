"""Every code is found where docs/lint.md says it is, and gone once its advice is followed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from bridge.config.lint.lint_section import CODES
from bridge.lint.lint_finding import LintFinding
from bridge.lint.linting import IGNORES_NOTHING, NEEDS_RECORDS
from bridge.lint.rules import RULES
from bridge.mapping.routes.event_names import NAMES
from bridge.mapping.routes.properties import LONGEST_NAME, MOST_PROPERTIES
from tests.support.docs.examples import DOCS
from tests.support.lint.linted import linted_part

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The quick one, where there is one: the tables below are made whenever this module is imported."""
PAGE = (DOCS / "lint.md").read_text(encoding="utf-8")
PARTS = dict(re.findall(r"^## (TB\d+)\n(.*?)(?=^##? |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def shown(code: str, role: str) -> str | None:
    found = re.search(rf"^```yaml {role}\n(.*?)^```$", PARTS[code], re.MULTILINE | re.DOTALL)
    return None if found is None else found[1]


def many(count: int) -> str:
    names = [f"Event {number}" for number in range(count)]
    route = {"event_name": {"template": "Event {data.number}"}, "allowed_event_names": names}
    return yaml.dump({"mapping": {"events": {"order.*": route}}}, Dumper=DUMPER)


def of_properties(names: list[str]) -> str:
    identify = {"properties": {name: f"data.p{place}" for place, name in enumerate(names)}}
    return yaml.dump({"mapping": {"events": {"user.changed": {"identify": identify}}}}, Dumper=DUMPER)


TOO_LARGE_FOR_A_PAGE: Mapping[str, tuple[str, str]] = {
    "TB301": (many(NAMES * 8 // 10), many(NAMES * 8 // 10 - 1)),
    "TB302": (of_properties(["n" * (LONGEST_NAME * 8 // 10)]), of_properties(["n" * (LONGEST_NAME * 8 // 10 - 1)])),
    "TB303": (
        of_properties([f"p{number}" for number in range(MOST_PROPERTIES * 8 // 10)]),
        of_properties([f"p{number}" for number in range(MOST_PROPERTIES * 8 // 10 - 1)]),
    ),
}
PAIRS = {
    code: pair
    for code in PARTS
    if (pair := TOO_LARGE_FOR_A_PAGE.get(code) or (shown(code, "before"), shown(code, "after")))[0] is not None
}


def of_code(code: str, found: tuple[LintFinding, ...]) -> list[LintFinding]:
    return [each for each in found if each.code == code]


def test_every_code_has_a_rule_and_a_part_of_the_page_and_a_pair() -> None:
    assert list(PARTS) == list(CODES)
    assert {*RULES, IGNORES_NOTHING} == set(CODES)
    assert {*PAIRS, *NEEDS_RECORDS} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_part_of_the_page_begins_with_what_the_code_says(code: str) -> None:
    assert PARTS[code].startswith(f"\n**{CODES[code]}.** ")


@pytest.mark.parametrize("code", PAIRS)
def test_a_finding_is_made_of_the_first_example_and_gone_in_the_second(code: str, tmp_path: Path) -> None:
    before, after = PAIRS[code]
    assert before is not None
    assert after is not None
    found = linted_part(before, tmp_path)
    assert of_code(code, found), found
    assert of_code(code, linted_part(after, tmp_path)) == []


@pytest.mark.parametrize("code", [code for code in PAIRS if code not in TOO_LARGE_FOR_A_PAGE])
def test_an_example_of_the_page_shows_its_code_and_no_other(code: str, tmp_path: Path) -> None:
    before, after = PAIRS[code]
    assert {each.code for each in linted_part(str(before), tmp_path)} == {code}
    assert linted_part(str(after), tmp_path) == ()


@pytest.mark.parametrize("code", sorted(PAIRS.keys() - {IGNORES_NOTHING, "TB301"}))
def test_an_ignore_with_a_reason_takes_a_finding_away_at_its_key_and_at_one_above_it(code: str, tmp_path: Path) -> None:
    before, _ = PAIRS[code]
    for finding in of_code(code, linted_part(str(before), tmp_path)):
        section = finding.where.partition(".")[0]
        for where in (finding.where, section):
            ignore = yaml.dump({"lint": {"ignore": [{"code": code, "where": where, "reason": "meant so"}]}})
            left = linted_part(str(before) + ignore, tmp_path)
            assert finding.where not in [each.where for each in of_code(code, left)]
            assert of_code(IGNORES_NOTHING, left) == []


@pytest.mark.parametrize("code", sorted(PAIRS.keys() - {"TB301"}))
def test_a_finding_says_where_and_what_to_do_and_in_which_line(code: str, tmp_path: Path) -> None:
    before, _ = PAIRS[code]
    for finding in of_code(code, linted_part(str(before), tmp_path)):
        assert finding.sentence.startswith(f"{finding.where} (line ")
        assert not finding.what.endswith(".")
        assert finding.to_do
        assert not finding.to_do.endswith(".")
