"""What `track-bridge emulator` prints: sentences for a person, NDJSON for a script."""

from __future__ import annotations

import json
from typing import cast

import pytest

from bridge.config.keys.scalars import Listen
from bridge.emulator.fault_words import read
from bridge.emulator.run import EmulatorOptions, Voice, banner
from bridge.emulator.seen import RequestBook
from bridge.emulator.served import ServedEmulator
from bridge.sandbox.emulator.connection import ReceivedRequest

NOON = 1_796_040_000.0
FAULT = read("503:10%")


class Api:
    """One that listens."""

    endpoint = "http://127.0.0.1:8080"


API = cast("ServedEmulator", Api())


def options(host: str = "127.0.0.1", *, faults: bool = False) -> EmulatorOptions:
    return EmulatorOptions(listen=Listen(host, 8080), keys=None, faults=(FAULT,) if faults else ())


def spoken(*, as_json: bool = False, quiet: bool = False, host: str = "127.0.0.1") -> Voice:
    """After one accepted and one refused request, and a fault that was switched on."""
    voice = Voice(RequestBook(10, NOON), quiet=quiet, as_json=as_json)
    voice.switched([FAULT])
    voice.listening(API, options(host, faults=as_json))
    for answer, why in (("202", None), ("400", "event_name is missing")):
        body = json.dumps({"user_id": "u-1", "event_name": "Order Completed"}).encode()
        posted = ReceivedRequest("POST", "/v1/track", "", {}, body, too_large=False)
        voice.request(voice.book.add(posted, answer, why, NOON))
    voice.switched([FAULT])
    voice.switched([])
    voice.ended()
    return voice


def test_a_person_reads_where_it_is_each_request_the_faults_and_what_it_came_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoken()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Emulated Track API and its page: http://127.0.0.1:8080"
    assert "Faults: none, it answers as documented. Switch them on the page, or:" in said
    assert "12:00:00 202  track u-1 Order Completed {}" in said or "12:00:00 202  track u-1 Order Completed" in said
    assert "12:00:00 400  track u-1 Order Completed: event_name is missing" in said
    assert f"Faults: 503:10% ({FAULT.meaning})." in said
    assert any(line.startswith("2 requests in ") and "1 accepted, 1 refused" in line for line in said)


def test_who_wants_quiet_reads_no_requests_and_who_listens_to_all_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    spoken(quiet=True, host="0.0.0.0")  # noqa: S104 - it listens nowhere
    said = capsys.readouterr().out
    assert "(other machines reach it, too)" in said
    assert "12:00:00" not in said


def test_a_script_reads_a_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    spoken(as_json=True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["type"] for each in told] == ["listening", "request", "request", "faults", "faults", "summary"]
    assert told[0] == {"type": "listening", "endpoint": "http://127.0.0.1:8080", "faults": ["503:10%"]}
    assert [each["accepted"] for each in told[1:3]] == [True, False]
    assert [each["faults"] for each in told[3:5]] == [["503:10%"], []]
    assert (told[5]["requests"], told[5]["accepted"]) == (2, 1)


def test_what_it_says_at_the_start_fits_in_sixty_columns() -> None:
    said = banner(API.endpoint, options(), 60)
    assert [line for line in said if len(line) > 60] == []
    assert " ".join(said).count("in the terminals of the bridge:") == 1
