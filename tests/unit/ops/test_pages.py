from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from bridge.ops.admin.pages import Fresh, encode, pages
from bridge.ops.metrics import exposition_format

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot, Vitals


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Service:
    """What the pages ask; counts how often."""

    def __init__(self, vitals: Vitals, snapshot: Snapshot) -> None:
        self.vitals = vitals
        self.shown = snapshot
        self.snapshots = 0
        self.clock = Clock()
        self.pages = pages(vitals=lambda: self.vitals, snapshot=self.snapshot, monotonic=self.clock)

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return self.shown


@pytest.fixture
def service(vitals: Vitals, busy: Snapshot) -> Service:
    return Service(vitals, busy)


def test_a_healthy_process_answers_both_probes_with_200(service: Service) -> None:
    live, ready = service.pages["/livez"](""), service.pages["/readyz"]("")

    assert (live.status, json.loads(live.body)) == (HTTPStatus.OK, {"live": True, "reasons": []})
    assert (ready.status, json.loads(ready.body)) == (HTTPStatus.OK, {"ready": True, "reasons": []})


def test_an_unhealthy_process_answers_503_with_its_reasons(service: Service) -> None:
    service.vitals = replace(service.vitals, poll_age=1e3, unauthorized="The key is refused.")

    live, ready = service.pages["/livez"](""), service.pages["/readyz"]("")

    assert (live.status, ready.status) == (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE)
    assert json.loads(live.body)["reasons"][0]["reason"] == "poll_stuck"
    assert json.loads(ready.body)["reasons"] == [{"reason": "unauthorized", "message": "The key is refused."}]


def test_probes_are_never_answered_from_memory_and_take_no_snapshot(service: Service) -> None:
    before = service.pages["/readyz"]("").status
    service.vitals = replace(service.vitals, stopping=True)

    assert (before, service.pages["/readyz"]("").status) == (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    assert service.snapshots == 0


def test_a_page_asked_for_again_and_again_is_made_four_times_a_second(service: Service) -> None:
    for _ in range(1_000):
        service.clock.now += 0.001
        service.pages["/metrics"]("")

    assert service.snapshots == 4


def test_a_page_asked_for_later_is_made_anew(service: Service) -> None:
    before = json.loads(service.pages["/status"]("").body)["state"]
    service.shown = replace(service.shown, vitals=replace(service.vitals, stopping=True))
    service.clock.now += Fresh.MIN_AGE

    assert (before, json.loads(service.pages["/status"]("").body)["state"]) == ("delivering", "draining")


def test_a_costly_page_takes_at_most_a_twentieth_of_the_time() -> None:
    clock = Clock()

    def slow() -> int:
        clock.now += 0.1
        return 1

    fresh = Fresh(slow, clock)
    made_until = 0.0
    for _ in range(1_000):
        clock.now += 0.01
        before = clock.now
        fresh.get()
        made_until += clock.now - before

    assert made_until / (clock.now - 1_000.0) <= 0.05


def test_metrics_come_in_the_format_the_client_accepts(service: Service) -> None:
    text = service.pages["/metrics"]("")
    openmetrics = service.pages["/metrics"]("application/openmetrics-text; version=1.0.0")

    assert text.media_type == exposition_format.TEXT
    assert openmetrics.media_type == exposition_format.OPENMETRICS
    assert openmetrics.body.endswith(b"# EOF\n")


def test_text_without_utf_8_is_escaped_instead_of_refused() -> None:
    assert json.loads(encode({"detail": "\ud800"})) == {"detail": "\ud800"}


def test_no_terminal_obeys_a_page() -> None:
    text = "\x9b2J\u202e\u2028\u2029\x85\x7f\ufeff"

    shown = encode({"reason": text, "lone": "\ud800"}).decode()

    assert not set(text) - set("2J") & set(shown)
    assert json.loads(encode({"reason": text})) == {"reason": text}
