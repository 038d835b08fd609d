"""Whatever is wrong is one sentence and an exit code, and no letter is settled by mistake."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.model import LetterReason, Route
from bridge.sandbox.emulator import Emulator
from tests.component.reprocess.conftest import Dlq
from tests.support.prepared.client import program
from tests.support.reprocess.letters import connect, foreign, letter, value_of
from tests.support.waiting import until

OLD = Route("order.completed", "0123456789ab", "Order Completed")
Put = Callable[..., None]


async def is_untouched(dlq: Dlq, letters: int) -> bool:
    """Whether all of them are open as on the first day."""
    (found,) = (await dlq("stats", "--json")).documents
    return (found["open"], found["failed_again"]) == (letters, 0) and set(found["ended"].values()) == {0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("list", "--match", "data.["), "--match "),
        (("list", "--since", "yesterday"), "--since must be a time with its zone such as 2026-01-31T00:00:00Z, or an "),
        (("list", "--origin", "orders:x"), "--origin: must be TOPIC, TOPIC:PARTITION or TOPIC:PARTITION:FIRST-LAST"),
        (("list", "--limit", "0"), "--limit"),
        (("export", "seventeen"), "ID: 'seventeen' is no dead letter's ID: write PARTITION:OFFSET"),
        (("export", "--redact", "--unredacted"), "--redact and --unredacted exclude each other."),
        (("replay", "--rate", "fast", "--yes"), "--rate "),
        (("replay", "--stale", "maybe", "--yes"), "--stale must be skip or send, not 'maybe'."),
        (("replay", "--max-age", "old", "--yes"), "--max-age "),
        (("replay", "--max-replays", "0", "--yes"), "--max-replays"),
        (("discard", "0:0", "--because", " ", "--yes"), "--because must say why."),
        (("import", "nowhere.ndjson", "--note", "x", "--yes"), "nowhere.ndjson cannot be read: No such file or "),
        (("import", "-", "--note", "x"), "Reading from standard input leaves no way to ask: add --yes."),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
@pytest.mark.slow(reason="starts a command for each case", seconds=2)
async def test_an_option_that_cannot_be_understood_is_named(
    dlq: Dlq, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = await dlq(*arguments)
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.out == ""


@pytest.mark.slow(reason="starts a command for each verb", seconds=2)
async def test_an_unknown_id_is_named_by_every_verb_that_would_act_and_nothing_is_done(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(letter(1, route=OLD), letter(2, route=OLD))
    for verb in (("replay", "--yes"), ("discard", "--because", "x", "--yes"), ("export",)):
        ran = await dlq(verb[0], "0:0", "0:99", "orders/0/77", *verb[1:])
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("letters has no open dead letter 0:99, orders/0/77 that the other selectors allow: `")
        assert re.search(r"bridge dlq show 0:99 -c \S+` says what became of it.\n$", ran.err)
    assert api.ledger.accepted == []
    assert await is_untouched(dlq, 2)


@pytest.mark.slow(reason="starts a command for each verb", seconds=2)
async def test_an_empty_selection_is_one_sentence_and_no_finding(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(letter(1, route=OLD))
    none = "No open dead letters in letters match.\n"
    assert (await dlq("list", "--user", "nobody")).out == none
    assert (await dlq("discard", "--user", "nobody", "--because", "x", "--yes")).out == none
    assert (await dlq("list", "--match", "length(data.n)")).out == none, "a number has no length"
    assert (await dlq("discard", "--user", "nobody", "--because", "x", "--yes", "--json")).documents == [
        {"discarded": 0, "by_reason": {}, "because": "x"}
    ]
    replayed = await dlq("replay", "--user", "nobody", "--yes")
    assert (replayed.code, replayed.out) == (0, "No open dead letters in letters match.\n")
    exported = await dlq("export", "--user", "nobody")
    assert (exported.code, exported.out, exported.err) == (0, "", "Exported 0 dead letters.\n")
    assert api.ledger.accepted == []
    assert await is_untouched(dlq, 1)


async def test_a_selector_that_names_what_does_not_exist_is_refused_by_every_verb_with_what_exists(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(letter(1, route=OLD), foreign(), connect(7))
    verbs = (
        ("list",),
        ("list", "--json"),
        ("stats",),
        ("replay", "--yes"),
        ("replay", "--dry-run"),
        ("discard", "--because", "x", "--yes"),
        ("export",),
    )
    for verb in verbs:
        ran = await dlq(*verb, "--reason", "unauthorised", "--reason", "rejected")
        assert (ran.code, ran.out) == (2, ""), verb
        assert ran.err.startswith("--reason: there is no unauthorised. There are: expired, invalid, "), verb
        assert "unauthorized" in ran.err
    several = await dlq("list", "--route", "order.complete", "--origin", "order", "--type", "order.complete")
    assert several.code == 2
    assert several.err == (
        "--route: there is no order.complete. There are: gift.ordered[0], gift.ordered[1], order.completed, "
        "page.viewed.\n"
        "--type: there is no order.complete. There are: gift.ordered, order.completed, page.viewed.\n"
        "--origin: there is no order. There are: orders, orders:0.\n"
    )
    assert (await dlq("list", "--status", "4000")).code == 2
    assert api.ledger.requests == 0
    assert await is_untouched(dlq, 3)


async def test_a_selector_that_names_what_nothing_failed_for_is_an_empty_selection(dlq: Dlq, put: Put) -> None:
    put(letter(1, route=OLD), connect(7))
    for selector in (
        ("--reason", "unauthorized"),
        ("--type", "page.viewed"),
        ("--route", "gift.ordered[1]"),
        ("--origin", "orders:1"),
    ):
        ran = await dlq("replay", "--yes", *selector)
        assert (ran.code, ran.out) == (0, "No open dead letters in letters match.\n"), selector
    of_another_program = await dlq("list", "--json", "--reason", "org.apache.kafka.connect.errors.DataException")
    assert [each["id"] for each in of_another_program.documents] == ["0:1"]
    of_an_earlier_route = await dlq("list", "--json", "--route-hash", OLD.hash)
    assert [each["id"] for each in of_an_earlier_route.documents] == ["0:0"]


async def test_where_no_status_matches_those_that_there_are_are_named_by_every_verb(dlq: Dlq, put: Put) -> None:
    """Any status may be meant, so one that nothing failed with is no mistake: nothing was to be done."""
    put(letter(1), letter(2, status=401, reason=LetterReason.UNAUTHORIZED), connect(3))
    for verb in (("list",), ("replay", "--yes"), ("replay", "--dry-run"), ("discard", "--because", "x", "--yes")):
        ran = await dlq(*verb, "--status", "418")
        assert ran.code == 0, verb
        assert ran.out.startswith("No open dead letters in letters match. Statuses there are: 400, 401.\n"), verb
    assert (await dlq("list", "--limit", "1", "--user", "nobody")).out == "No open dead letters in letters match.\n"


async def test_letters_that_cannot_be_sent_stay_open_and_each_says_why(dlq: Dlq, put: Put, api: Emulator) -> None:
    damaged = letter(1)
    headers = [(n, b"x" if n.endswith("letter.origin-offset") else v) for n, v in damaged.headers]
    put(
        type(damaged)(damaged.key, damaged.value, headers, 0),
        foreign(),
        letter(3, value=b'{"type": "order.completed"}', route=OLD),
        letter(4, value=b'{"type": "page.viewed"}', route=OLD),
        letter(5, reason=LetterReason.UNDECODABLE, value=b"{", status=None),
    )
    ran = await dlq("replay", "--yes")
    assert ran.code == 1, "a job that left letters must not pass for done"
    assert "2  no legible header says which topic it came from, and the mapping depends on that" in ran.out
    assert re.search(
        r"2  the mapping still makes no request from it \(`.*bridge dlq show \d+:\d+ -c \S+` says why\)", ran.out
    )
    assert re.search(
        r"1  the mapping now filters it: nothing to send \(`.*bridge dlq discard \d+:\d+ --because", ran.out
    )
    assert api.ledger.requests == 0
    assert await is_untouched(dlq, 5)


async def test_show_says_of_a_letter_that_the_mapping_no_longer_maps_what_keeps_it(dlq: Dlq, put: Put) -> None:
    put(letter(1, value=b'{"type": "order.completed"}', route=OLD), foreign())
    assert "nothing: it would be a dead letter again (unmappable): " in (await dlq("show", "0:0")).out
    assert "nothing: no legible header says which topic it came from" in (await dlq("show", "0:1")).out


async def test_missing_resolutions_are_said_before_anything_is_sent(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(letter(1, route=OLD))
    for verb in (("replay", "--yes"), ("discard", "0:0", "--because", "x", "--yes")):
        ran = await dlq(*verb, kafka={"topics": ["elsewhere"]}, dead_letter={"topic": "orders"})
        assert ran.code == 2
        assert ran.err.startswith("orders.resolutions does not exist, or this user may not see it: nothing could be ")
    assert api.ledger.requests == 0


@pytest.mark.slow(reason="waits until the client gives up brokers that do not answer", seconds=5)
async def test_brokers_that_do_not_answer_are_one_sentence(dlq: Dlq) -> None:
    ran = await dlq("stats", kafka={"bootstrap_servers": "127.0.0.1:9"})
    assert ran.code == 3
    assert ran.err.count("\n") == 1, ran.err


async def test_an_export_comes_back_byte_for_byte_and_unedited_lines_change_nothing(
    dlq: Dlq, put: Put, tmp_path: Path
) -> None:
    put(
        letter(1, value=b"\x00\xff", key=b"\xfe", reason=LetterReason.UNDECODABLE, headers=[("h", b"\x01\xff")]),
        letter(2, value=b' { "type" : 1.50 }\n', key=None, headers=[("h", None), ("h", b"")]),
        letter(3, value=None, key=b""),
    )
    file = tmp_path / "letters.ndjson"
    assert (await dlq("export", "-o", str(file))).code == 0
    ran = await dlq("import", str(file), "--note", "nothing", "--yes")
    assert (ran.code, ran.out) == (0, "Nothing is changed in 3 dead letters.\n")
    piped = await dlq("import", "-", "--note", "nothing", "--yes", "--json", stdin=file.read_bytes())
    assert (piped.code, piped.documents) == (0, [{"changed": 0, "unchanged": 3, "note": "nothing"}])


async def test_bytes_corrected_by_hand_are_sent_and_headers_are_not_taken_for_corrected(
    dlq: Dlq, put: Put, api: Emulator, tmp_path: Path
) -> None:
    put(letter(1, value=b"\x00\xff", key=b"\xfe", reason=LetterReason.UNDECODABLE, headers=[("h", b"\x01\xff")]))
    (line,) = (await dlq("export")).documents
    file = tmp_path / "letters.ndjson"
    mended = line | {"value": base64.b64encode(value_of("u-mended", 1)).decode()}
    file.write_text(json.dumps(mended | {"headers": []}))
    refused = await dlq("import", str(file), "--note", "x", "--yes")
    assert refused.code == 2
    assert "line 1: has other headers than its dead letter: only key and value can be corrected." in refused.err
    assert await is_untouched(dlq, 1)
    file.write_text(json.dumps(mended))
    assert (await dlq("import", str(file), "--note", "cut by the shop", "--yes")).code == 0
    (listed,) = (await dlq("list", "--json")).documents
    assert listed["change"]["note"] == "cut by the shop"
    assert (await dlq("replay", "--yes")).code == 0
    assert [event.user_id for event in api.ledger.accepted] == ["u-mended"]


async def test_redact_hides_values_in_the_samples_of_a_dry_run(dlq: Dlq, put: Put) -> None:
    put(letter(1, user="u-secret", route=OLD, request=b'{"user_id":"u-secret","event_name":"Order Done"}'))
    for shape in ((), ("--json",)):
        shown = await dlq("replay", "--dry-run", "--redact", *shape)
        assert "u-secret" not in shown.out
        assert "***" in shown.out


@pytest.mark.slow(
    reason="replays twice at a rate, and a group that was left opens after a session",
    seconds=17,
)
async def test_ctrl_c_ends_a_replay_with_what_is_left_and_the_same_command_goes_on(
    dlq: Dlq, put: Put, api: Emulator, configure: Callable[..., Path]
) -> None:
    put(*(letter(number, partition=number % 4, user=f"u-{number}", route=OLD) for number in range(200)))
    file = configure(delivery={"rate_limit": "20/s", "max_in_flight": 4})
    process = await program(
        *("dlq", "replay", "--rate", "100%", "--yes", "--json", "-c", str(file)),
        env={**os.environ, "BRIDGE_TRACEBACK": "1"},
    )
    await until("some arrived", lambda: len(api.ledger.accepted) >= 10, within=60)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in err
    found = json.loads(out)
    assert found["stopped"] == "interrupted; run it again to resume"
    assert found["replayed"] == len(api.ledger.accepted) > 0
    assert found["left"] == 200 - found["replayed"] > 0
    rest = await dlq("replay", "--rate", "100%", "--yes", "--json")
    assert (rest.code, rest.documents[0]["replayed"]) == (0, found["left"])
    assert sorted(int(event.metadata["n"]) for event in api.ledger.accepted) == list(range(200))
