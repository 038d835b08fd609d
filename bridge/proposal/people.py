"""Which field names the user: it is called like a person or an account, and the same ones come again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.proposal.choices import ProposedSetting
from bridge.proposal.fields import SampledField, percent
from bridge.proposal.looks import time_form
from bridge.proposal.words import singular, words
from bridge.text.amounts import thousands

_PEOPLE: Final = {
    "user": 10, "customer": 9, "member": 8, "person": 8, "subscriber": 8, "shopper": 8, "buyer": 8, "patient": 8,
    "student": 8, "player": 8, "uid": 8, "userid": 9, "distinct": 8, "actor": 7, "contact": 7, "account": 6,
    "profile": 6, "client": 5, "employee": 6, "owner": 5, "author": 5, "guest": 5, "recipient": 5, "holder": 5,
    "subject": 5, "sub": 5, "principal": 6, "visitor": 4.5, "anonymous": 4.5, "login": 4, "whodunnit": 6,
    "lead": 5, "candidate": 5, "learner": 8, "driver": 5, "rider": 6, "viewer": 6, "accountholder": 6, "identity": 5,
}  # fmt: skip
_IDS: Final = frozenset({"id", "uuid", "guid", "key", "gid", "ref", "no", "number", "sub", "uid", "identifier", "by"})
_OTHERS: Final = frozenset(
    {"type", "status", "agent", "name", "role", "group", "count", "created", "updated", "segment", "state", "level",
     "plan", "country", "lang", "language", "locale", "phone", "tier", "balance", "manager", "version"}
)  # fmt: skip
_CONTAINERS: Final = frozenset({"after", "before", "data", "payload", "detail", "event", "object", "context", "meta"})
_ROWS: Final = frozenset({"after", "before"})
_VAGUE: Final = frozenset({"client", "account", "owner", "profile", "lead", "identity", "contact"})
_GROUPS: Final = frozenset({"account", "client"})
_BY: Final = frozenset({("created", "by"), ("performed", "by"), ("triggered", "by"), ("user", "name"), ("username",)})
_ENOUGH: Final = 20
_LEAST: Final = 4.0


def user_of(fields: Sequence[SampledField], *, subject: str, changes: bool) -> ProposedSetting:
    """The best there is. `subject` is what the records are of: a table of `changes`, else what the topic is called."""
    scored = ((_score(each, subject, changes=changes), each) for each in fields)
    ranked = sorted(
        ((score, each) for score, each in scored if score >= _LEAST), key=lambda p: (-p[0], p[1].expression)
    )
    if changes:
        ranked = [pair for pair in ranked if pair[1].names[:1] != ("before",)]
    if not ranked:
        return _by_key(fields)
    best = ranked[0][1]
    other = f"; next best: {ranked[1][1].expression}" if len(ranked) > 1 else ""
    evidence = f"{best.found}, {thousands(best.distinct)} different{other}"
    if changes and best.names[:1] == ("after",):
        before = next((each for each in fields if each.names == ("before", *best.names[1:])), None)
        if before is not None and best.share < 1:
            evidence = f"{evidence}; rows that are deleted have it before"
            return ProposedSetting(f"{best.expression} || {before.expression}", evidence, _together(best, before))
    if best.share < 0.98:
        for _, each in ranked[1:]:
            covered = _together(best, each)
            if _names_a_group(each, best):
                evidence = f"{evidence}; {each.expression} where it is missing would make users of accounts"
                continue
            if each.origin == "value" == best.origin and covered >= best.share + 0.02:
                share = percent(round(covered * best.of), best.of)
                both = f"{evidence}; with {each.expression} where it is missing: in {share}"
                return ProposedSetting(f"{best.expression} || {each.expression}", both, covered)
    return ProposedSetting(best.expression, evidence, best.share)


def _together(one: SampledField, other: SampledField) -> float:
    return len(one.values.keys() | other.values.keys()) / one.of


def _names_a_group(field: SampledField, person: SampledField) -> bool:
    """Whether it names an account of several people: beside a person it is there, and is somebody else."""
    said = {word for name in field.names[-2:] for word in words(name)}
    if not said & _GROUPS or said & (_PEOPLE.keys() - _GROUPS):
        return False
    both = [number for number in person.values if number in field.values]
    return bool(both) and all(field.values[number] != person.values[number] for number in both)


def _by_key(fields: Sequence[SampledField]) -> ProposedSetting:
    key = next((each for each in fields if each.expression == "key"), None)
    if key is not None and key.share >= 0.5 and not _is_own(key):
        evidence = f"no field looks like a person; the key does: {key.found}, {thousands(key.distinct)} different"
        return ProposedSetting(
            "key", evidence, key.share, is_certain=key.distinct < len(key.values) or len(key.values) < 3
        )
    evidence = "NOT FOUND: no field looks like a person, and the key neither. Say where the user is"
    return ProposedSetting("key", evidence, 0.0 if key is None else key.share, is_certain=False)


def _is_own(field: SampledField) -> bool:
    """Whether it is another one in every record: then it is the record's own id."""
    return len(field.values) >= _ENOUGH and field.distinct == len(field.values)


def _score(field: SampledField, subject: str, *, changes: bool) -> float:
    if not field.names:
        return 0.0
    score = max(_named(field.names), _of_subject(field, subject, changes=changes))
    score -= (1 if field.origin == "header" else 0) + (0.5 if field.origin == "outer" or field.text else 0)
    if score < _LEAST:
        return 0.0
    values = list(field.values.values())
    if any(isinstance(value, bool) or (not isinstance(value, str | int)) or value == "" for value in values[:50]):
        return 0.0
    if sum(isinstance(value, str) and time_form(value) in {"iso", "local"} for value in values) > len(values) / 2:
        return 0.0
    if any(isinstance(value, str) and len(value) > 200 for value in values):
        return 0.0
    if _is_own(field):
        score -= 2.5
    elif field.distinct < 0.95 * len(values):
        score += 1
    if field.distinct == 1 and len(values) >= _ENOUGH:
        score -= 4
    return score - 4 * (1 - field.share)


def _of_subject(field: SampledField, subject: str, *, changes: bool) -> float:
    """Of a row of users, the plain id is the user's."""
    holder, last = field.names[:-1], field.names[-1]
    if not subject or len(holder) > 1 or (holder and holder[0] not in _ROWS) or field.origin == "header":
        return 0.0
    if changes or (holder == () and field.distinct < len(field.values)):
        return _named((subject, last)) - (0 if changes else 2)
    return 0.0


def _named(names: tuple[str, ...]) -> float:
    own = words(names[-1])
    score = 0.0
    if own[-1:] == ("email",):
        score = 4.2 if len(own) == 1 or own[0] in _PEOPLE else 0
    elif own in _BY:
        score = 5
    elif set(own) <= _IDS and own not in {("uid",), ("sub",)}:
        # ``customer.id``: whose id it is, is said above it.
        above = words(names[-2]) if len(names) > 1 else ()
        if above and not set(above) & (_OTHERS - {"group"}):
            score = max((_PEOPLE.get(singular(word), 0) for word in above), default=0) + (0.5 if own == ("id",) else -1)
    else:
        score = _called(own)
    return score - 0.3 * sum(name not in _CONTAINERS for name in names[:-1])


def _called(own: tuple[str, ...]) -> float:
    """``customerId``: all in one name."""
    person = max((_PEOPLE.get(word, 0) for word in own), default=0)
    rest = [word for word in own if word not in _PEOPLE and word not in _IDS]
    if not person or set(rest) & _OTHERS:
        return 0.0
    is_vague = len(own) == 1 and own[0] in _VAGUE
    return person - 0.7 * len(rest) + (0.5 if set(own) & _IDS or len(own) == 1 else 0) - (1 if is_vague else 0)
