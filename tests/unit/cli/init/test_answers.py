"""Answers to `init`'s questions: those that cannot be meant are asked for again, in the words of the question."""

from __future__ import annotations

import json
import sys

import pytest

from bridge.cli.init import answers, asking
from bridge.model import Record
from bridge.proposal.documents import SampledTopic
from bridge.proposal.reading import read_topic


@pytest.fixture(scope="module")
def topic() -> SampledTopic:
    values = [{"type": "order.paid", "customer": {"id": f"u-{n}", "mail": None}, "total": n} for n in range(5)]
    records = [
        Record("shop.orders", 0, offset, None, b"u-1", json.dumps(value).encode(), (("x-user", b"u-1"),))
        for offset, value in enumerate(values)
    ]
    return read_topic("shop.orders", records)


@pytest.mark.parametrize(
    "text", ["customer.id", "nosuch || customer.id", "to_string(total)", "key", "header:x-user", "upper(customer.id)"]
)
def test_a_user_that_is_found_in_a_record_is_taken(topic: SampledTopic, text: str) -> None:
    assert answers.user_fault(text, topic) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nosuch.path", "There are customer.id, "),
        ("custmer.id", "Did you mean customer.id"),
        ("customer", "Did you mean customer.id"),
        ("customer.mail", "Did you mean customer.id"),
        ("header:nobody", "There are customer.id, "),
    ],
)
def test_a_user_that_no_record_has_is_asked_for_again(topic: SampledTopic, text: str, said: str) -> None:
    wrong = answers.user_fault(text, topic) or ""
    assert "No record of shop.orders that was read has one text or number there." in wrong
    assert said in wrong


@pytest.mark.parametrize(
    ("text", "said"), [("topic", ""), ("customer.id", ""), ("custmer.id", "Did you mean customer.id")]
)
def test_a_type_is_a_field_that_was_found(topic: SampledTopic, text: str, said: str) -> None:
    wrong = answers.type_fault(text, topic)
    assert (wrong is None) == (not said)
    assert said in (wrong or "")


def test_what_is_no_expression_is_told_as_such(topic: SampledTopic) -> None:
    assert "customer.." in (answers.user_fault("customer..", topic) or "")


@pytest.mark.parametrize("text", ["24h", "latest", "yes", "24h/"])
def test_a_word_is_no_host(text: str) -> None:
    assert "names no host of Userpilot" in (answers.endpoint_fault(text) or "")


@pytest.mark.parametrize(
    "text", ["later", "localhost", "analytex.userpilot.io", "https://api", "emulator:8080", "127.0.0.1:8080"]
)
def test_a_host_is_taken_however_it_is_written(text: str) -> None:
    assert answers.endpoint_fault(text) is None


def test_where_to_begin_is_refused_in_the_words_of_the_question() -> None:
    wrong = answers.start_fault("yesterday") or ""
    assert wrong.startswith("latest, earliest, a time with its zone")
    assert "error" not in wrong
    assert [answers.start_fault(text) for text in ("latest", "earliest", "24h", "2026-01-31T00:00:00Z")] == [None] * 4


class Interrupted:
    """A terminal at which Ctrl-C is pressed."""

    def readline(self) -> str:
        raise KeyboardInterrupt


def test_after_ctrl_c_at_a_question_the_prompt_of_the_shell_begins_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        asking.ask("Whose events are these?", "userId")
    assert capsys.readouterr().err.endswith("[userId]: \n")


@pytest.mark.parametrize("text", ["none", "http://registry:8081", "https://registry.example/apis/ccompat/v7"])
def test_a_registry_is_an_address_or_none(text: str) -> None:
    assert answers.registry_fault(text) is None


def test_what_is_no_address_of_a_registry_is_asked_for_again() -> None:
    assert str(answers.registry_fault("registry")).startswith("It ")
