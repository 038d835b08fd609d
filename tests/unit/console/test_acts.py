"""Holding, pausing, releasing and resuming from the console: looked at first, done once, and logged with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.console.pages.act import ActProblemError, act_of
from bridge.fleet.acts import HoldAct, PauseAct, ReleaseAct, ResumeAct
from bridge.fleet.acts.outcomes import Silent
from tests.support.console.page_faults import faults, text_of
from tests.support.console.replicas import ObedientReplica, control_of
from tests.support.console.running import ConsoleSetting, Opened, Visitor
from tests.support.console.views import NOON
from tests.support.log_output import LogOutput

FORM = {"do": "hold", "topic": "shop.orders", "partition": "", "reason": "users are migrated", "for": ""}


@pytest.fixture
def replicas(with_token: ConsoleSetting) -> tuple[ObedientReplica, ObedientReplica]:
    both = ObedientReplica("10.0.0.1:9464", {0, 1}), ObedientReplica("10.0.0.2:9464", {2, 3})
    with_token.control = control_of(*both)
    return both


@pytest.fixture
def operator(
    replicas: tuple[ObedientReplica, ObedientReplica], with_token: ConsoleSetting, opened: Opened
) -> Iterator[Visitor]:
    """Who is logged in, over both replicas."""
    assert replicas
    with opened(with_token) as visitor:
        visitor.log_in(name="ada")
        yield visitor


def confirmed(page: str, csrf: str) -> dict[str, str]:
    """The fields of the form that does it."""
    form = page.partition('action="/act/do"')[2].partition("</form>")[0]
    fields = {}
    for piece in form.split('<input type="hidden" name="')[1:]:
        name, _, rest = piece.partition('" value="')
        fields[name] = rest.partition('"')[0]
    assert fields["csrf"] == csrf
    return fields


def test_a_look_says_what_would_be_done_where_and_does_nothing(
    operator: Visitor, replicas: tuple[ObedientReplica, ObedientReplica]
) -> None:
    answer = operator.post("/act/preview", {**FORM, "csrf": operator.csrf()})
    text = text_of(answer.text)
    assert answer.status_code == 200
    assert faults(answer.text) == []
    assert "Hold: shop.orders?" in text
    assert "Why: users are migrated" in text
    assert "shop.orders/0 would be done 10.0.0.1:9464" in text
    assert "shop.orders/3 would be done 10.0.0.2:9464" in text
    assert [each.told for each in replicas] == [[], []]


def test_what_was_confirmed_is_done_by_every_replica_and_logged_with_who_and_why(
    operator: Visitor, replicas: tuple[ObedientReplica, ObedientReplica], logged: LogOutput
) -> None:
    csrf = operator.csrf()
    page = operator.post("/act/preview", {**FORM, "csrf": csrf}).text
    answer = operator.post("/act/do", confirmed(page, csrf))
    assert "Hold: done" in text_of(answer.text)
    assert faults(answer.text) == []
    for each, numbers in zip(replicas, ([0, 1], [2, 3]), strict=True):
        [told] = each.told
        assert (told["command"], told["partitions"], told["by"]) == ("hold", numbers, "ada")
        assert told["reason"] == "users are migrated"
    [line] = [each for each in logged.lines if each["event"] == "console_act"]
    assert {name: line[name] for name in ("act", "topic", "partitions", "not_done", "reason", "by")} == {
        "act": "hold",
        "topic": "shop.orders",
        "partitions": [0, 1, 2, 3],
        "not_done": [],
        "reason": "users are migrated",
        "by": "ada",
    }


def test_a_pause_ends_when_it_was_said_to_however_long_somebody_thinks(
    operator: Visitor, replicas: tuple[ObedientReplica, ObedientReplica]
) -> None:
    csrf = operator.csrf()
    page = operator.post("/act/preview", {**FORM, "do": "pause", "for": "15m", "partition": "1", "csrf": csrf}).text
    fields = confirmed(page, csrf)
    operator.post("/act/do", fields)
    [told] = replicas[0].told
    assert (told["command"], told["partitions"], str(told["until"])) == ("pause", [1], fields["until"])
    assert replicas[1].told == []


def test_nothing_is_done_without_the_token_of_the_session(
    operator: Visitor, replicas: tuple[ObedientReplica, ObedientReplica]
) -> None:
    csrf = operator.csrf()
    fields = confirmed(operator.post("/act/preview", {**FORM, "csrf": csrf}).text, csrf)
    for given in ({**fields, "csrf": "x"}, {name: value for name, value in fields.items() if name != "csrf"}):
        assert operator.post("/act/do", given).status_code == 403
    operator.post("/logout", {"csrf": csrf})
    assert operator.post("/act/do", fields).status_code == 403
    assert [each.told for each in replicas] == [[], []]


def test_who_is_not_logged_in_is_shown_no_form(with_token: ConsoleSetting, opened: Opened) -> None:
    with opened(with_token) as visitor:
        page = visitor.get("/act?topic=shop.orders&partition=1").text
    assert 'action="/act/preview"' not in page
    assert "Log in" in page


def test_the_form_is_filled_with_what_led_to_it(operator: Visitor) -> None:
    page = operator.get("/act?topic=shop.orders&partition=3&do=pause").text
    assert 'name="topic" type="text" value="shop.orders"' in page
    assert 'name="partition" type="text" value="3"' in page
    assert 'value="pause" required checked' in page


def test_what_not_every_replica_did_is_not_called_done(with_token: ConsoleSetting, opened: Opened) -> None:
    replica = ObedientReplica("10.0.0.1:9464", {0, 1}, outcome="unconfirmed")
    with_token.control = control_of(replica, silent=(Silent("10.0.0.2:9464", "no answer in time"),))
    with opened(with_token) as visitor:
        visitor.log_in()
        csrf = visitor.csrf()
        fields = confirmed(visitor.post("/act/preview", {**FORM, "csrf": csrf}).text, csrf)
        text = text_of(visitor.post("/act/do", fields).text)
    assert "not all is done" in text
    assert "10.0.0.2:9464 did not do its part: no answer in time." in text
    assert "Kafka has not acknowledged it yet" in text
    assert "shop.orders/2 not every replica answered" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"do": ""}, "Choose what is to be done."),
        ({"do": "drop"}, "Choose what is to be done."),
        ({"topic": " "}, "Name the topic."),
        ({"topic": "nothing"}, "nothing is no topic of kafka.topics."),
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 201}, "may have 200 characters; it has 201"),
        ({"partition": "1;2"}, "Partitions are numbers"),
        ({"do": "pause"}, "How long: must be a duration"),
        ({"do": "pause", "for": "31d"}, "A pause lasts from 1s to 30d"),
        ({"do": "pause", "until": "1"}, "would be over already"),
    ],
)
def test_what_cannot_be_meant_is_said_above_the_form_which_keeps_what_was_typed(
    operator: Visitor, replicas: tuple[ObedientReplica, ObedientReplica], changes: dict[str, str], said: str
) -> None:
    for path in ("/act/preview", "/act/do"):
        answer = operator.post(path, {**FORM, "csrf": operator.csrf(), **changes})
        assert answer.status_code == 400
        assert said in text_of(answer.text)
        assert faults(answer.text) == []
    assert [each.told for each in replicas] == [[], []]


def test_a_form_is_one_act() -> None:
    assert act_of({**FORM, "partition": "3, 0,3"}, NOON) == HoldAct("shop.orders", (0, 3), "users are migrated")
    assert act_of({**FORM, "do": "release"}, NOON) == ReleaseAct("shop.orders", None, "users are migrated")
    assert act_of({**FORM, "do": "resume", "partition": "0"}, NOON) == ResumeAct(
        "shop.orders", (0,), "users are migrated"
    )
    paused = act_of({**FORM, "do": "pause", "for": "2h"}, NOON)
    assert paused == PauseAct("shop.orders", None, "users are migrated", int(NOON) + 7_200)
    with pytest.raises(ActProblemError):
        act_of({}, NOON)
