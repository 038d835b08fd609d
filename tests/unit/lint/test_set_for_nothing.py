"""A setting that nothing uses is pointed at, and not where something does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lint.linted import linted_part

TRACKED = "mapping:\n  events: {user.changed: {event_name: User Changed}}\n"
IDENTIFIED = "mapping:\n  events: {user.changed: {identify: {properties: {plan: data.plan}}}}\n"
COMPANY = "mapping:\n  events: {user.changed: {identify: {company: {id: data.company}}}}\n"


@pytest.mark.parametrize(
    ("key", "setting", "unused", "used"),
    [
        ("track.identify_settle", "track: {identify_settle: 7s}\n", TRACKED, IDENTIFIED),
        ("track.company_id_field", "track: {company_id_field: company_id}\n", IDENTIFIED, COMPANY),
        ("mapping.on_identify_rejected", "  on_identify_rejected: send\n", TRACKED, IDENTIFIED),
    ],
)
def test_a_setting_is_pointed_at_while_nothing_uses_it(
    key: str, setting: str, unused: str, used: str, tmp_path: Path
) -> None:
    found = {
        mapping: [each.code for each in linted_part(mapping + setting, tmp_path) if each.where == key]
        for mapping in (unused, used)
    }
    assert found == {unused: ["TB701"], used: []}
