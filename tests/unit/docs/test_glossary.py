"""docs/glossary.md explains words that the pages use, each once, and those that must be explained are there."""

from __future__ import annotations

import re

from bridge.model import FilterReason, LetterReason
from tests.support.docs import commands

PAGE = commands.text_of("glossary")
TERMS = re.findall(r"^\| ([^|]+?) \| ", PAGE, re.MULTILINE)[2:]
OTHERS = " ".join(
    page.read_text(encoding="utf-8").lower() for page in commands.DOCS.glob("*.md") if page.stem != "glossary"
)


def test_every_word_is_explained_once_in_alphabetical_order() -> None:
    assert len(TERMS) > 40
    assert sorted(TERMS, key=str.lower) == TERMS
    assert len(set(TERMS)) == len(TERMS)


def test_every_word_that_is_explained_is_used_on_another_page() -> None:
    words = [word for term in TERMS for word in term.split(", ")]
    assert [word for word in words if word.lower() not in OTHERS] == []


def test_what_becomes_of_a_record_is_explained_in_its_own_words() -> None:
    accounting = re.search(r"`consumed = (.+?)`", commands.text_of("numbers"))
    assert accounting
    assert {"delivered", "filtered", "dead letter", "in flight", "open", "complete"} <= set(TERMS)
    assert {"delivered", "filtered", "dead_lettered", "in_flight"} <= set(accounting[1].split(" + "))
    assert LetterReason.REJECTED.value in commands.text_of("dead-letters")


def test_whatever_status_says_became_of_records_is_explained() -> None:
    accounting = re.search(r"`consumed = (.+?)`", commands.text_of("numbers"))
    assert accounting
    words = {word.replace("_", " ") for word in accounting[1].split(" + ")}
    known = {term.replace("_", " ") for term in TERMS} | {"dead lettered"}  # which is a dead letter
    assert words <= known
    assert {LetterReason.UNDECODABLE, LetterReason.UNMAPPABLE, LetterReason.REJECTED} <= set(TERMS)
    assert {FilterReason.UNMAPPED, FilterReason.UNTYPED, FilterReason.TOMBSTONE} <= set(TERMS)
