"""What came is counted to the last request and kept only as far as there is room; lines show it in one row."""

from __future__ import annotations

import json
import re

from bridge.emulator import lines, page
from bridge.emulator.fault_words import read
from bridge.emulator.page import EmulatorView
from bridge.emulator.seen import LARGE, NAMES, OTHER_NAMES, RequestBook
from bridge.sandbox.emulator.connection import ReceivedRequest

NOON = 1_796_040_000.0


def posted(path: str = "/v1/track", **body: object) -> ReceivedRequest:
    return ReceivedRequest("POST", path, "", {}, json.dumps(body).encode(), too_large=False)


def book(keeps: int = 3) -> RequestBook:
    return RequestBook(keeps, NOON)


def test_counts_go_on_where_requests_are_forgotten() -> None:
    found = book(keeps=3)
    for n in range(10):
        found.add(posted(user_id="u-1", event_name="Order Completed", metadata={"n": n}), "202", None, NOON + n)
    found.add(posted(user_id="u-1", event_name="Order Completed"), "503", "told to fail", NOON + 10)
    assert [each.number for each in found.last] == [9, 10, 11]
    assert (found.seen, found.accepted, found.answers["202"], found.answers["503"]) == (11, 10, 10, 1)
    assert (found.events["Order Completed"].accepted, found.events["Order Completed"].refused) == (10, 1)
    assert found.reasons == {"503: told to fail": 1}


def test_names_reasons_and_bodies_take_bounded_room() -> None:
    found = book(keeps=2)
    for n in range(NAMES + 50):
        found.add(posted(user_id="u", event_name=f"Event {n}"), "400", f"reason {n}", NOON)
    assert len(found.events) == len(found.reasons) == NAMES + 1
    assert found.events[OTHER_NAMES].refused == 50
    found.add(posted(user_id="u" * 5000, event_name="big", metadata={"text": "x" * LARGE}), "202", None, NOON)
    kept = found.last[-1]
    assert kept.details is None
    assert len(kept.user_id or "") <= 300


def test_the_last_minute_is_the_last_sixty_seconds() -> None:
    found = book()
    for at in (0.0, 30.0, 61.0):
        found.add(posted(), "202", None, NOON + at)
    assert found.last_minute(NOON + 62) == 2


def test_a_line_says_when_what_who_and_why_within_the_width() -> None:
    found = book()
    accepted = found.add(
        posted(user_id="u-017", event_name="Order\nCompleted", metadata={"amount": 12}), "202", None, NOON
    )
    assert lines.for_a_person(accepted, 120) == r'12:00:00 202  track u-017 Order\nCompleted {"amount": 12}'
    assert len(lines.for_a_person(accepted, 41)) == 41
    refused = found.add(posted("/v1/track/event"), "404", "no such path: /v1/track/event", NOON)
    assert lines.for_a_person(refused, 120) == "12:00:00 404  POST /v1/track/event: no such path: /v1/track/event"
    hung = found.add(posted(user_id="u-1", event_name="E"), "hang", "told to fail", NOON)
    assert lines.for_a_person(hung, 120) == "12:00:00 none track u-1 E: told to fail"
    assert lines.for_a_script(accepted)["metadata"] == {"amount": 12}
    assert lines.for_a_script(hung)["answer"] == "hang"


def test_identifies_companies_and_what_is_no_json_are_shown_as_what_they_are() -> None:
    found = book(keeps=5)
    user = found.add(posted("/v1/identify", user_id="u-1", metadata={"a": 1}, company={"id": "c-1"}), "202", None, NOON)
    company = found.add(posted("/v1/companies/identify", company_id="c-1"), "202", None, NOON)
    broken = found.add(ReceivedRequest("POST", "/v1/track", "", {}, b"{", too_large=False), "400", "no JSON", NOON)
    unread = found.add(None, "drop_before_reading", None, NOON)
    assert (user.call, user.details) == ("identify", {"a": 1, "company": {"id": "c-1"}})
    assert (company.call, company.name) == ("company", "c-1")
    assert (broken.call, broken.user_id) == ("track", None)
    assert lines.subject(unread) == "a request that was not read"


def test_the_page_escapes_what_came_and_names_the_faults_that_are_on() -> None:
    found = book()
    found.add(posted(user_id="<script>", event_name="a&b", metadata={"x": "<img>"}), "202", None, NOON)
    html = page.page(EmulatorView(found, (read("503:10%"),), "http://127.0.0.1:8080", ["NX-one"], "600/min", NOON))
    assert "<script>" not in html.replace("<script src", "")
    assert "<img>" not in html
    assert "&lt;script&gt;" in html
    assert "503:10% (answers 503)" in html
    assert "api_key: NX-one" in html
    assert " style=" not in html
    assert "onclick" not in html


def test_long_metadata_are_folded_and_all_of_them_are_there() -> None:
    found = book()
    found.add(posted(user_id="u-1", event_name="Short", metadata={"plan": "team"}), "202", None, NOON)
    found.add(
        posted(user_id="u-1", event_name="Long", metadata={f"key_{n}": "x" * 30 for n in range(12)}), "202", None, NOON
    )
    html = page.page(EmulatorView(found, (), "http://127.0.0.1:8080", ["NX-one"], "600/min", NOON))
    (folded,) = re.findall(r'<details id="request-2"><summary>(.*?)</summary>(.*?)</details>', html)
    assert len(folded[0]) < 200
    assert "key_11" in folded[1]
    assert "<code>{&quot;plan&quot;: &quot;team&quot;}</code>" in html


def test_a_summary_has_every_count() -> None:
    found = book()
    assert lines.summary_lines(found, NOON + 5, 80) == ["No request in 5 s."]
    found.add(posted(user_id="u", event_name="Order Completed"), "202", None, NOON)
    found.add(posted(user_id="u", event_name="Order Completed"), "429", "too many requests", NOON)
    assert lines.summary_lines(found, NOON + 5, 80) == [
        "2 requests in 5 s: 1 accepted, 1 refused or without an answer.",
        "        1  Order Completed",
        "        1  429: too many requests",
    ]
    assert lines.summary(found, NOON + 5)["events"] == {"Order Completed": {"accepted": 1, "refused": 1}}
