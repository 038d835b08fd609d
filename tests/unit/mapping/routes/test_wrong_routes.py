"""What cannot be meant by a route that makes no event: a sentence each, at the key in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config import load
from tests.unit.mapping.conftest import Bench

Problems = Callable[[str], dict[str, str]]
IDENTIFY = "which sends what is known of a user and no event"
ANOTHER = "is another kind of route than identify beside it; write two routes in a list"
COMPANY = "which sends what is known of a company and no event"


@pytest.mark.parametrize(
    ("route", "key", "sentence"),
    [
        ("{identify: true, event_name: A}", "event_name",
         f"means nothing beside identify, {IDENTIFY}; an event is a route of its own in the list"),
        ("{identify: true, metadata: {a: b}}", "metadata",
         f"means nothing beside identify, {IDENTIFY}; what is known of a user or a company is under properties"),
        ("{identify: true, metadata_from: data}", "metadata_from",
         f"means nothing beside identify, {IDENTIFY}; a whole object that becomes properties is under from"),
        ("{identify: true, metadata_omit: [a]}", "metadata_omit",
         f"means nothing beside identify, {IDENTIFY}; what is left out of from is under omit"),
        ("{identify: true, allowed_event_names: [A]}", "allowed_event_names",
         f"means nothing beside identify, {IDENTIFY}"),
        ("{company: {id: a}, metadata: {a: b}}", "metadata",
         f"means nothing beside company, {COMPANY}; what is known of a user or a company is under properties"),
        ("{company: {id: a}, event_name: A}", "event_name",
         f"means nothing beside company, {COMPANY}; an event is a route of its own in the list"),
        ("{company: {id: a}, user_id: b}", "user_id",
         "means nothing beside company: it is of no user; company.id says which company it is"),
        ("{identify: true, company: {id: a}}", "company",
         f"{ANOTHER}, or put company under identify where the user belongs to it"),
        ("{identify: true, forget: true}", "forget",
         ANOTHER),
        ("{company: {id: a}, forget: true}", "forget",
         "is another kind of route than company beside it; write two routes in a list"),
        ("{forget: true, event_name: A}", "event_name",
         "means nothing beside forget, which sends nothing; an event is a route of its own in the list"),
        ("{forget: true, sample: 50%}", "sample",
         "means nothing beside forget: whoever is to be forgotten is, however late it is said"),
        ("{forget: true, max_age: 1d}", "max_age",
         "means nothing beside forget: whoever is to be forgotten is, however late it is said"),
        ("{identify: {user_id: a}, user_id: b}", "user_id", "is written under identify, too; remove one of the two"),
        ("{identify: {omit: [a]}}", "identify.omit", "has nothing to leave out without from"),
        ("{identify: {clear: [a]}}", "identify.clear[0]",
         "'a' is not among the properties beside it, so nothing can say that it is null"),
        ("{identify: {properties: {a: {value: 1}}, clear: [a]}}", "identify.clear[0]",
         "'a' is a literal, so it is never null; remove one of the two"),
        ("{identify: {properties: {a: {path: b, default: 1}}, clear: [a]}}", "identify.clear[0]",
         "'a' has a default, so it is never null; remove one of the two"),
        ("{company: {id: a, properties: {id: b}}}", "company.properties.id",
         "is what Userpilot calls the company's id, which the key id reads; remove it"),
        ("{identify: {company: {id: a, properties: {company_id: b}}}}", "identify.company.properties.company_id",
         "is what Userpilot calls the company's id, which the key id reads; remove it"),
        ("{identify: {properties: {' a': b}}}", "identify.properties. a",
         "has white space around the metadata key ' a'; remove it"),
        (f"{{identify: {{properties: {{{'n' * 256}: b}}}}}}", f"identify.properties.{'n' * 256}",
         "has a name of 256 characters; Userpilot takes 255"),
        (f"{{identify: {{properties: {{{', '.join(f'p{n}: b' for n in range(501))}}}}}}}", "identify.properties",
         "has 501 properties; Userpilot takes 500"),
        ("{identify: {from: 'data.['}}", "identify.from", None),
        ("{identify: {company: {id: 'data.['}}}", "identify.company.id", None),
        ("{company: {id: a, properties: {b: {template: '{'}}}}", "company.properties.b.template", None),
    ],
)  # fmt: skip
def test_a_key_without_a_meaning_is_refused_with_what_to_write(
    problems: Problems, route: str, key: str, sentence: str | None
) -> None:
    found = problems(f"events: {{t: {route}}}")
    assert list(found) == [f"mapping.events.t.{key}"]
    assert sentence is None or list(found.values()) == [sentence]


@pytest.mark.parametrize(
    "route",
    [
        "{identify: true, when: 'data.a == `true`', topics: [a], sample: 10%, max_age: 1d, user_id: data.id}",
        "{company: {id: data.id}, when: 'data.a == `true`', topics: [a], sample: 10%, max_age: 1d}",
        "{forget: true, when: 'data.a == `true`', topics: [a], user_id: data.id}",
        "{identify: {properties: {a: b}, clear: [a]}}",
        "{identify: {from: data, clear: [a.b]}}",
    ],
)
def test_what_means_something_is_taken_under_an_exact_type_and_under_a_glob(
    bench: Callable[[str], Bench], route: str
) -> None:
    bench(f"events: {{t: {route}, 'a.*': {route}}}")


@pytest.mark.parametrize(
    ("route", "key", "sentence"),
    [
        ("identify: null", "identify",
         "says nothing of the user; write identify: true to make the user known and no more"),
        ("identify: nobody", "identify", "must be a map of keys and values, not 'nobody'"),
        ("identify: {company: true}", "identify.company", "names no company; write company: {id: …}"),
        ("company: null", "company", "names no company; write company: {id: …}"),
        ("company: {}", "company.id", "is required: where a record names the company"),
        ("forget: false", "forget", "must be true, not false; a route that does not forget is without this key"),
        ("identify: {metadata: {a: b}}", "identify.metadata", "is not a known key; did you mean properties?"),
        ("identify: {traits: data}", "identify.traits", "is not a known key; did you mean properties?"),
        ("identify: {metadata_from: data}", "identify.metadata_from", "is not a known key; did you mean from?"),
        ("company: {company_id: a, id: b}", "company.company_id", "is not a known key; did you mean id?"),
        ("group: {id: a}", "group", "is not a known key; did you mean company?"),
        ("identify: {properties: {a: null}}", "identify.properties.a",
         "must be an expression or a map with value, template or path, not nothing"),
        ("identify: {properties: {a: true}}", "identify.properties.a",
         "must be an expression; for the literal true write {value: true}"),
    ],
)  # fmt: skip
def test_what_the_file_has_wrong_is_said_in_its_own_words(tmp_path: Path, route: str, key: str, sentence: str) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text(f"mapping:\n  events:\n    t:\n      {route}\n")
    found = {each.where: each.message for each in load.read(file, {}).problems}
    assert {where: said for where, said in found.items() if ".events." in where} == {
        f"mapping.events.t.{key}": sentence
    }


@pytest.mark.parametrize(
    ("route", "key"),
    [
        ("{identify: {user_id: data.person.id}}", "identify.user_id"),
        ("{identify: {company: {id: data.person}}}", "identify.company.id"),
        ("{company: {id: {path: data.person.org, type: string}}}", "company.id"),
    ],
)
def test_an_id_that_is_never_sent_is_refused(problems: Problems, route: str, key: str) -> None:
    found = problems(f"never_send: [data.person]\nevents: {{t: {route}}}")
    assert list(found) == [f"mapping.events.t.{key}"]
    assert all("which mapping.never_send takes out: nothing could be sent" in said for said in found.values())
