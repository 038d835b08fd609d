"""The pages of dead letters: found by every selector, without their values, and changed only with token and reason."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.model import Record, TopicPartition
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import ConsoleSetting, Opened, Visitor, hidden
from tests.support.reprocess.log_in_memory import LogInMemory


def whole(visitor: Visitor, path: str) -> Any:
    """The answer once everything is read for it."""
    answer = visitor.get(path)
    while "refresh" in answer.headers:
        answer = visitor.get(path)
    return answer


def rows(page: str) -> int:
    return page.count('<a href="/letter?id=')


def test_open_letters_of_the_group_are_listed_with_what_they_say(visitor: Visitor) -> None:
    page = visitor.get("/letters").text
    assert "3 dead letters" in text_of(page)
    assert rows(page) == 3
    assert "0:3" not in page, "of another group"
    assert "4 dead letters" in text_of(visitor.get("/letters?of=all").text)
    assert "the API said no" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("reason=unauthorized", 1),
        ("reason=unauthorized rejected", 3),
        ("status=401", 1),
        ("route=order.completed", 1),
        ("kind=track", 1),
        ("type=order.completed", 3),
        ("user=u-2", 1),
        ("origin=orders:0:1-2", 2),
        ("match=data.n == `1`", 1),
        ("id=0:2", 1),
        ("since=2100-01-01T00:00:00Z", 0),
        ("until=2000-01-01T00:00:00Z", 0),
    ],
)
def test_every_selector_of_the_commands_is_a_field(
    setting: ConsoleSetting, opened: Opened, query: str, found: int
) -> None:
    setting.with_values()
    with opened(setting) as visitor, visitor.client:
        page = whole(visitor, f"/letters?{query.replace(' ', '+').replace('`', '%60').replace('==', '%3D%3D')}").text
    assert rows(page) == found, text_of(page)
    name = query.partition("=")[0]
    assert f'name="{name}"' in page


def test_what_cannot_be_understood_is_said_where_it_was_typed(visitor: Visitor) -> None:
    page = visitor.get("/letters?since=yesterday").text
    assert "since must be a time with its zone" in text_of(page)
    assert 'value="yesterday"' in page


def test_users_are_told_apart_and_not_named_unless_values_are_shown(setting: ConsoleSetting, opened: Opened) -> None:
    with opened(setting) as visitor:
        page = visitor.get("/letters").text
        assert "u-2" not in page
        assert page.count("#") > 2
    setting.with_values()
    with opened(setting) as visitor:
        assert "u-2" in visitor.get("/letters").text


def test_one_letter_shows_what_changes_without_values_and_with_them_where_that_is_configured(
    setting: ConsoleSetting, opened: Opened
) -> None:
    with opened(setting) as visitor:
        page = text_of(visitor.get("/letter?id=0:0").text)
        assert "metadata.amount: removed" in page
        assert "user_id: another value" not in page
        assert '"user"' not in page
        answer = visitor.get("/letter?id=orders/0/7")
        assert answer.status_code == 409
        assert "has no dead letter of orders/0/7" in answer.text
    setting.with_values()
    with opened(setting) as visitor:
        page = visitor.get("/letter?id=0:0").text
        assert "request changed" in page
        assert "u-1" in page
        hides = visitor.get("/letter?id=0:2").text
        assert "a@b.example" not in hides, "dead_letter.redact"


def preview(visitor: Visitor, act: str, **more: str) -> Any:
    csrf = visitor.csrf()
    return visitor.post("/letters/preview", {"csrf": csrf, "act": act, **more})


def test_a_replay_is_shown_before_it_is_begun_and_wants_a_reason_and_the_number_that_was_shown(
    trusted: Visitor,
) -> None:
    shown = preview(trusted, "replay", reason="unauthorized")
    assert "Replay 1 dead letter?" in text_of(shown.text)
    assert faults(shown.text) == []
    given = {"csrf": trusted.csrf(), "reason": "unauthorized", "rate": "20%"}
    assert trusted.post("/letters/replay", {**given, "count": "1"}).status_code == 400
    late = trusted.post("/letters/replay", {**given, "count": "7", "because": "the key is back"})
    assert late.status_code == 409
    assert "other than was shown" in late.text


def test_discarding_says_how_many_of_which_reason_and_that_it_is_for_good(trusted: Visitor) -> None:
    shown = preview(trusted, "discard")
    said = text_of(shown.text)
    assert "Discard 3 dead letters for good?" in said
    assert "these are all open dead letters of the group" in said
    assert faults(shown.text) == []
    answer = trusted.post("/letters/discard", {"csrf": trusted.csrf(), "count": "3", "because": "  "})
    assert answer.status_code == 400


def test_nobody_without_the_token_sees_a_form_that_changes_something(visitor: Visitor) -> None:
    for path in ("/letters", "/letter?id=0:0", "/letters/job"):
        assert 'method="post"' not in visitor.get(path).text


def test_an_export_has_values_and_so_needs_that_they_are_shown(setting: ConsoleSetting, opened: Opened) -> None:
    with opened(setting) as visitor:
        assert visitor.get("/letters/export").status_code == 403
    setting.with_values()
    with opened(setting) as visitor:
        answer = visitor.get("/letters/export?reason=unauthorized")
        assert answer.status_code == 200
        assert len(answer.text.splitlines()) == 1
        assert "attachment" in answer.headers["content-disposition"]
        assert "a@b.example" not in visitor.get("/letters/export").text


@dataclass
class SlowLog(LogInMemory):
    """Gives no letter before it is told to."""

    may_go_on: threading.Event = field(default_factory=threading.Event)

    def read(
        self, wanted: Mapping[TopicPartition, range], progress: Any = lambda _count: None
    ) -> Iterator[list[Record]]:
        progress(1)
        self.may_go_on.wait(20)
        yield from super().read(wanted, progress)


def test_while_the_topic_is_read_the_page_says_how_far_that_is(setting: ConsoleSetting, opened: Opened) -> None:
    slow = SlowLog()
    slow.letters = setting.letters.letters
    setting.letters = slow
    with opened(setting) as visitor, visitor.client:
        answer = visitor.get("/letters")
        assert "1 of 4 offsets" in text_of(answer.text)
        assert answer.headers["refresh"] == "1"
        assert faults(answer.text) == []
        slow.may_go_on.set()
        assert "3 dead letters" in text_of(visitor.get("/letters").text)


ALL_MEMORY = "length('a few gigabytes in the end'" + 8 * " | join('', [@,@,@,@,@,@,@,@,@,@])" + ") > `0`"


@pytest.mark.slow
def test_a_condition_that_takes_all_memory_is_stopped_and_the_pages_go_on(
    setting: ConsoleSetting, opened: Opened
) -> None:
    setting.with_values()
    with opened(setting) as visitor, visitor.client:
        answer = whole(visitor, f"/letters?{urlencode({'match': ALL_MEMORY})}")
        assert answer.status_code == 503
        assert "was stopped" in answer.text
        assert rows(whole(visitor, "/letters?match=data.n+%3D%3D+%601%60").text) == 1
        assert visitor.get(f"/letters/export?{urlencode({'match': ALL_MEMORY})}").status_code == 503


def test_a_condition_has_a_bounded_length(setting: ConsoleSetting, opened: Opened) -> None:
    setting.with_values()
    with opened(setting) as visitor:
        page = visitor.get(f"/letters?{urlencode({'match': 'a' * 501})}").text
    assert "match may have 500 characters" in text_of(page)


@pytest.mark.parametrize("query", ["match=starts_with(data.email,'a')", "user=u-2"])
def test_where_values_are_hidden_nobody_finds_them_out_by_searching(visitor: Visitor, query: str) -> None:
    page = text_of(visitor.get(f"/letters?of=all&{query}").text)
    assert "User and condition ask about the records' values, which are not shown here" in page
    assert "the newest first" not in page, "how many there are"
    assert visitor.get(f"/letters/export?of=all&{query}").status_code == 403
    page = visitor.get("/letters").text
    assert 'name="match"' not in page
    assert 'name="user"' not in page


def test_what_is_redacted_is_found_out_by_no_condition(setting: ConsoleSetting, opened: Opened) -> None:
    setting.with_values()
    with opened(setting) as visitor, visitor.client:
        for condition, found in (
            ("starts_with(data.email, 'a@b')", 0),
            ("data.email && contains(data.email, 'example')", 0),
            ("data.email", 1),
        ):
            page = whole(visitor, f"/letters?{urlencode({'match': condition, 'of': 'all'})}").text
            assert rows(page) == found, condition


def test_how_a_user_is_shown_tells_nobody_who_knows_the_users_which_one_it_is(visitor: Visitor) -> None:
    page = visitor.get("/letters").text
    assert hashlib.sha256(b"u-2").hexdigest()[:8] not in page


def test_nor_by_acting_on_what_a_search_finds(trusted: Visitor) -> None:
    for act in ("replay", "discard"):
        assert preview(trusted, act, match="starts_with(data.email,'a')").status_code == 400


@pytest.mark.parametrize("act", ["replay", "discard"])
def test_as_many_others_are_not_those_that_were_shown(with_token: ConsoleSetting, opened: Opened, act: str) -> None:
    with_token.view = replace(with_token.view, replicas=())
    with opened(with_token) as trusted:
        trusted.log_in()
        shown = preview(trusted, act, reason="unauthorized").text
        others = {"csrf": trusted.csrf(), "id": "0:2", "because": "they are old", "rate": "20%", "count": "1"}
        assert "1 dead letter" in text_of(preview(trusted, act, id="0:2").text), "as many"
        for which in ({"which": hidden(shown, "which")}, {}):
            answer = trusted.post(f"/letters/{act}", {**others, **which})
            assert answer.status_code == 409
            assert "other than was shown" in answer.text
