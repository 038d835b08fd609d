"""``track-bridge dlq stats``, ``list`` and ``show`` against a broker."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from bridge.model import LetterReason, Route
from tests.component.cli.conftest import run
from tests.component.reprocess.conftest import Dlq
from tests.support.reprocess.letters import connect, foreign, letter, spring, value_of

ROUTE = Route("order.completed", "0123456789ab", "Order Completed")
Put = Callable[..., None]


async def test_stats_count_the_open_letters_by_reason_status_route_and_age(dlq: Dlq, put: Put) -> None:
    put(
        letter(1, route=ROUTE),
        letter(2, route=ROUTE),
        letter(3, reason=LetterReason.UNAUTHORIZED, status=401, route=ROUTE),
        letter(4, reason=LetterReason.UNDECODABLE, status=None),
    )
    ran = await dlq("stats", "--json")
    assert ran.code == 1, "open letters are findings"
    (found,) = ran.documents
    assert found["open"] == 4
    assert {name: group["count"] for name, group in found["by"]["reason"].items()} == {
        "rejected": 2,
        "unauthorized": 1,
        "undecodable": 1,
    }
    assert {name: group["count"] for name, group in found["by"]["status"].items()} == {
        "400": 2,
        "401": 1,
        "(not sent)": 1,
    }
    assert [(each["reason"], each["count"]) for each in found["messages"]][:1] == [("rejected", 2)]
    assert {(each["message"], each["first"] is not None) for each in found["messages"]} == {("the API said no", True)}
    page = await dlq("stats")
    assert page.out.startswith("letters: 4 open dead letters, the oldest ")
    sample = found["messages"][0]["sample"]
    assert f"; such as {sample}\n" in page.out
    assert f"bridge dlq show {sample} -c " in page.out


async def test_an_empty_topic_has_no_open_letter(dlq: Dlq) -> None:
    ran = await dlq("stats")
    assert (ran.code, ran.out) == (0, "letters has no open dead letter.\n")


async def test_letters_of_other_groups_are_counted_apart(dlq: Dlq, put: Put) -> None:
    put(letter(1), letter(1, group="other"), letter(2, group="other"))
    assert (await dlq("stats", "--json")).documents[0]["open"] == 1
    assert (await dlq("stats", "--json")).documents[0]["other_groups"] == 2
    assert (await dlq("stats", "--json", "--all-groups")).documents[0]["open"] == 3


async def test_letters_of_every_dialect_are_listed_with_origin_and_reason(dlq: Dlq, put: Put) -> None:
    put(letter(1), connect(2), spring(3), foreign())
    found = {each["dialect"]: each for each in (await dlq("list", "--json")).documents}
    assert {name: (each["origin"] or {}).get("offset") for name, each in found.items()} == {
        "bridge": 1,
        "connect": 2,
        "spring": 3,
        "unknown": None,
    }
    assert found["spring"]["reason"] == "java.lang.IllegalStateException"
    assert found["unknown"]["reason"] == "unknown"


async def test_two_letters_of_one_event_are_one(dlq: Dlq, put: Put) -> None:
    put(letter(1), letter(1), letter(1, output=1))
    (found,) = (await dlq("stats", "--json")).documents
    assert (found["open"], found["repeated"]) == (2, 1)


async def test_selectors_narrow_the_list(dlq: Dlq, put: Put) -> None:
    put(letter(1, user="a"), letter(2, user="b"), letter(3, user="b", partition=1), letter(4, user="b", topic="other"))
    listed = await dlq("list", "--json", "--user", "b", "--origin", "orders", "--match", "data.n > `2`")
    assert [each["origin"]["offset"] for each in listed.documents] == [3]
    assert len((await dlq("list", "--json", "--origin", "orders:0:1-2")).documents) == 2
    assert len((await dlq("list", "--json", "--limit", "3")).documents) == 3
    assert (await dlq("list", "--reason", "expired")).out == "No open dead letters in letters match.\n"


async def test_show_tells_what_came_what_was_sent_and_what_would_be_sent_now(dlq: Dlq, put: Put) -> None:
    sent = b'{"user_id":"u-1","event_name":"Order Done","metadata":{"n":7}}'
    put(letter(7, route=ROUTE, request=sent))
    ran = await dlq("show", "0:0")
    assert ran.code == 0
    assert "rejected (400 invalid_event): the API said no" in ran.out
    assert '-   "event_name": "Order Done",' in ran.out
    assert '+   "event_name": "Order Completed",' in ran.out
    assert (await dlq("show", "orders/0/7")).out == ran.out, "the origin's id names the same letter"


async def test_show_and_list_name_the_trace_of_a_letter_that_has_one(dlq: Dlq, put: Put) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    put(letter(1, trace=trace), letter(1, partition=1))
    assert trace in (await dlq("show", "orders/0/1")).out
    assert "trace" not in (await dlq("show", "orders/1/1")).out
    found = {each["origin"]["partition"]: each.get("trace") for each in (await dlq("list", "--json")).documents}
    assert found == {0: trace, 1: None}


async def test_show_names_a_timestamp_that_is_no_date_and_one_that_is_not_there(dlq: Dlq, put: Put) -> None:
    dateless = letter(8)
    headers = [(name, value) for name, value in dateless.headers if not name.endswith("letter.origin-timestamp")]
    put(letter(7, timestamp_ms=1_767_323_045_123_000), type(dateless)(dateless.key, dateless.value, headers, 0))
    first = (await dlq("show", "orders/0/7")).out
    assert "orders/0/7, of Kafka timestamp 1767323045123007 (no date, counted in ms), group" in first
    assert "take the time from the record itself (mapping.occurred_at)" in first
    assert "orders/0/8, of an unknown time, group" in (await dlq("show", "orders/0/8")).out


async def test_an_id_that_is_none_is_one_sentence(dlq: Dlq, put: Put) -> None:
    put(letter(1))
    for name, sentence in (
        ("0:99", "There is no dead letter 0:99 in letters: its partition ends before offset 1.\n"),
        ("9:0", "letters has no partition 9; it has 4, from 0.\n"),
        (
            "orders/0/99",
            "letters has no dead letter of orders/0/99: it was never a dead letter, or retention removed it.\n",
        ),
    ):
        ran = await dlq("show", name)
        assert (ran.code, ran.err) == (2, sentence)
    assert "is no dead letter's ID" in (await dlq("show", "seventeen")).err


async def test_a_missing_topic_is_one_sentence(dlq: Dlq) -> None:
    ran = await dlq("stats", dead_letter={"topic": "nowhere"})
    assert ran.code == 2
    assert ran.err.startswith("dead_letter.topic: nowhere does not exist, or this user may not see it: run `")
    assert re.search(r"bridge topics create -c \S+`, or grant READ and DESCRIBE on it.\n$", ran.err)


async def test_configured_paths_are_hidden_and_redact_hides_every_value(dlq: Dlq, put: Put) -> None:
    put(letter(1, value=value_of("u-secret", 1, email="a@b.example")))
    hidden = await dlq("show", "0:0", dead_letter={"redact": ["data.user", "data.email"]})
    assert "u-secret" not in hidden.out
    assert "a@b.example" not in hidden.out
    assert '"n": 1' in hidden.out
    assert '"n": 1' not in (await dlq("show", "0:0", "--redact")).out
    assert "u-secret" not in (await dlq("list", dead_letter={"redact": ["data.user"]})).out


async def test_a_text_on_the_way_of_a_hidden_path_is_shown_nowhere(dlq: Dlq, put: Put) -> None:
    inside = '{"email": "a@b.example", "user": "u-secret"}'
    put(letter(1, value=b'{"type":"t","id":"i","data":%b}' % json.dumps(inside).encode(), request=inside.encode()))
    put(letter(2, value=b"\0\0\0\0\x07" + value_of("u-secret", 1, email="a@b.example")))
    for command in (
        ("show", "0:0"),
        ("show", "0:1"),
        ("list",),
        ("list", "--json"),
        ("export",),
        ("replay", "--dry-run"),
    ):
        ran = await dlq(*command, dead_letter={"redact": ["data.email", "data.user"]})
        assert ran.out, ran.err
        assert "a@b.example" not in ran.out
        assert "u-secret" not in ran.out


async def test_a_damaged_header_is_named_and_the_letter_still_counts(dlq: Dlq, put: Put) -> None:
    made = letter(1)
    broken = [(n, b"x" if n.endswith("letter.origin-offset") else v) for n, v in made.headers]
    put(type(made)(made.key, made.value, broken, 0))
    (found,) = (await dlq("list", "--json")).documents
    assert found["origin"] is None
    assert found["damaged_headers"] == ["bridge.dead-letter.origin-offset"]


async def test_stats_of_a_damaged_dead_letter_name_the_configuration_whatever_its_name_has(
    put: Put, configure: Callable[..., Path]
) -> None:
    made = letter(1)
    broken = [(n, b"x" if n.endswith("letter.origin-offset") else v) for n, v in made.headers]
    put(type(made)(made.key, made.value, broken, 0))
    path = configure().rename(configure().with_name("prod{eu}.yaml"))
    ran = await run("dlq", "stats", "-c", str(path))
    assert ran.code == 1, ran.err
    assert f"1 with headers that cannot be read (`bridge dlq list -c '{path}'` shows them)." in re.sub(
        r"`\S+ -m bridge", "`bridge", ran.out
    )
