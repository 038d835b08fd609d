"""Setting a committed offset from the console: shown first, what it passes accepted by number, set once, logged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.console.books import BooksInMemory
from tests.support.console.page_faults import faults, text_of
from tests.support.console.replicas import ObedientReplica, control_of
from tests.support.console.running import ConsoleSetting, Opened, Visitor
from tests.support.log_output import LogOutput

FORM = {
    "topic": "shop.orders",
    "partition": "1",
    "to": "earliest",
    "at": "",
    "loss": "400",
    "reason": "retention was first",
}


@pytest.fixture
def books() -> BooksInMemory:
    return BooksInMemory()


@pytest.fixture
def replica() -> ObedientReplica:
    return ObedientReplica("10.0.0.1:9464", {0, 1})


@pytest.fixture
def operator(
    books: BooksInMemory, replica: ObedientReplica, with_token: ConsoleSetting, opened: Opened
) -> Iterator[Visitor]:
    with_token.control, with_token.books = control_of(replica), books
    with opened(with_token) as visitor:
        visitor.log_in(name="ada")
        yield visitor


def look(operator: Visitor, **changes: str) -> tuple[int, str]:
    answer = operator.post("/offsets/preview", {**FORM, "csrf": operator.csrf(), **changes})
    assert faults(answer.text) == []
    return answer.status_code, answer.text


def confirmed(page: str) -> dict[str, str]:
    """The fields of the form that does it; empty where there is none."""
    form = page.partition('action="/offsets/do"')[2].partition("</form>")[0]
    pieces = (piece.partition('" value="') for piece in form.split('<input type="hidden" name="')[1:])
    return {name: rest.partition('"')[0] for name, _, rest in pieces}


def test_a_look_says_what_is_passed_gone_and_sent_again_and_sets_nothing(
    operator: Visitor, replica: ObedientReplica, books: BooksInMemory
) -> None:
    status, page = look(operator)
    assert status == 200
    assert "shop.orders/1 100 500 400 400 0" in text_of(page)
    assert "shop.orders/1 would be done 10.0.0.1:9464" in text_of(page)
    assert confirmed(page)["at"] == "500"
    _, back = look(operator, to="at", at="40")
    assert "40 is not in the log, and the partition would be held again" in text_of(back)
    books.committed = 700
    _, again = look(operator, to="at", at="600")
    assert "shop.orders/1 700 600 0 0 100" in text_of(again)
    assert (replica.told, books.written, books.recorded) == ([], [], [])


def test_what_was_confirmed_is_set_by_the_replica_recorded_as_lost_and_logged_with_who_and_why(
    operator: Visitor, replica: ObedientReplica, books: BooksInMemory, logged: LogOutput
) -> None:
    _, page = look(operator)
    books.log = type(books.log)(400, 900)
    answer = operator.post("/offsets/do", confirmed(page))
    assert "The offset of shop.orders/1: set" in text_of(answer.text)
    assert faults(answer.text) == []
    [told] = replica.told
    [move] = told["moves"]
    assert (told["command"], told["by"], told["reason"]) == ("set", "ada", "retention was first")
    assert (move["expected"], move["offset"]) == (100, 500), "where the log's start was when it was looked at"
    [(lost, by)] = books.recorded
    assert (lost.start, lost.stop) == (100, 500)
    assert (by.command, by.user) == ("console (ada): retention was first", "ada")
    [line] = [each for each in logged.lines if each["event"] == "console_act"]
    wanted = {
        "act": "set_offsets", "topic": "shop.orders", "partitions": [1], "not_done": [], "offset": 500, "before": 100,
        "passed": 400, "reason": "retention was first", "by": "ada",
    }  # fmt: skip
    assert {name: line[name] for name in wanted} == wanted
    assert books.written == [], "brokers let only the member set it"


def test_a_stopped_group_is_set_from_here(operator: Visitor, replica: ObedientReplica, books: BooksInMemory) -> None:
    books.members = ()
    _, page = look(operator, to="at", at="2026-01-31T00:00:00Z", loss="500")
    assert "The group is stopped" in text_of(page)
    answer = operator.post("/offsets/do", confirmed(page))
    assert "Start the bridge: it reads the partition from there." in text_of(answer.text)
    assert (books.written, replica.told) == ([(1, 600)], [])


def test_more_than_is_accepted_is_not_passed_even_where_the_button_was_seen(
    operator: Visitor, replica: ObedientReplica, books: BooksInMemory
) -> None:
    _, page = look(operator, loss="399")
    assert "This passes up to 400 records that are not done: the bridge would never send them." in text_of(page)
    assert "Let 400 records be passed if that is meant." in text_of(page)
    assert confirmed(page) == {}
    _, page = look(operator)
    answer = operator.post("/offsets/do", {**confirmed(page), "loss": "399"})
    assert answer.status_code == 400
    assert (replica.told, books.recorded) == ([], [])


def test_what_is_neither_held_nor_stopped_is_refused_with_what_to_do(
    operator: Visitor, replica: ObedientReplica, books: BooksInMemory
) -> None:
    replica.flows = "shop.orders/1: not held, and a committed offset is set only while nothing moves it."
    _, page = look(operator)
    text = text_of(page)
    assert "The group userpilot-bridge has members (bridge-1 at 10.0.0.1)." in text
    assert "Stop every replica" in text
    assert "not held, and a committed offset is set only while nothing moves it" in text
    assert confirmed(page) == {}
    fields = {**FORM, "to": "at", "at": "500", "csrf": operator.csrf()}
    assert operator.post("/offsets/do", fields).status_code == 400
    assert (replica.told, books.recorded) == ([], [])


def test_what_is_not_acknowledged_is_not_called_set_unless_it_is_seen_to_be(
    operator: Visitor, replica: ObedientReplica, books: BooksInMemory
) -> None:
    replica.outcome = "unconfirmed"
    fields = confirmed(look(operator)[1])
    text = text_of(operator.post("/offsets/do", fields).text)
    assert "The offset of shop.orders/1: not set" in text
    assert "Kafka has not acknowledged it yet" in text
    assert books.recorded == []


def test_what_could_not_be_recorded_as_lost_is_said(operator: Visitor, books: BooksInMemory) -> None:
    books.unrecorded = "no broker has acknowledged it within 10 s"
    text = text_of(operator.post("/offsets/do", confirmed(look(operator)[1])).text)
    assert "What was passed is not recorded, so no status will show it as lost: no broker has" in text


def test_where_it_is_already_there_is_nothing_to_confirm(operator: Visitor, books: BooksInMemory) -> None:
    books.committed = 500
    _, page = look(operator)
    assert "The committed offset is there already." in text_of(page)
    assert confirmed(page) == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topic": " "}, "Name the topic."),
        ({"topic": "nothing"}, "nothing/1: not a consumed topic of this cluster."),
        ({"partition": ""}, "Name one partition by its number"),
        ({"partition": "1,2"}, "Name one partition by its number"),
        ({"to": ""}, "Choose where to."),
        ({"to": "at"}, "Say which offset, or which time"),
        ({"to": "at", "at": "yesterday"}, "To must be an offset, earliest, latest, end, or a time"),
        ({"loss": "some"}, "How many records may be passed is a number"),
        ({"reason": ""}, "Say why"),
        ({"reason": "x" * 201}, "may have 200 characters; it has 201"),
    ],
)
def test_what_cannot_be_meant_is_said_above_the_form_which_keeps_what_was_typed(
    operator: Visitor, replica: ObedientReplica, changes: dict[str, str], said: str
) -> None:
    for path in ("/offsets/preview", "/offsets/do"):
        answer = operator.post(path, {**FORM, "csrf": operator.csrf(), **changes})
        assert answer.status_code == 400
        assert said in text_of(answer.text)
        assert faults(answer.text) == []
    assert replica.told == []


def test_one_partitions_page_leads_to_its_form(operator: Visitor) -> None:
    page = operator.get("/partition?topic=shop.orders&partition=1").text
    assert 'href="/offsets?topic=shop.orders&amp;partition=1"' in page
    form = operator.get("/offsets?topic=shop.orders&partition=1").text
    assert 'name="topic" type="text" value="shop.orders"' in form
