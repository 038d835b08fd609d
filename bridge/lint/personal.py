"""What looks personal and is sent: by the names of fields, and by the form of values. No value is ever repeated."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.config.events.route_section import CompanyConfig, IdentifyConfig, RouteConfig
from bridge.config.keys.values import LiteralValue, PathValue, TemplateValue, ValueSpec
from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject, NamedRoute, SentSample
from bridge.mapping.expressions.paths import covers, parse_path

_NAMES: Final[Mapping[str, str]] = {
    "an e-mail address": "email, e mail, mail address, email address",
    "a phone number": "phone, phone number, mobile phone, mobile number, telephone, fax, msisdn, whatsapp",
    "the name of a person": "first name, last name, full name, given name, family name, surname, maiden name, "
    "middle name, firstname, lastname, fullname",
    "a date of birth": "birthday, birthdate, birth date, date of birth, dob",
    "an address": "address, street, street address, house number, postcode, postal code, zip, zip code, zipcode",
    "the number of an account or a card": "iban, bank account, account number, card number, credit card, cvv, cvc",
    "the number of a document": "ssn, social security number, passport, passport number, national id, tax id, "
    "driving licence, driver license",
    "an IP address": "ip, ip address, ipaddress, client ip, remote addr, remote address",
    "a place": "latitude, longitude, geolocation",
    "a secret": "password, passwd, secret, access token, refresh token, auth token, api key, session id, cookie",
}
"""What ends in these words, by what it mostly is. ``email_verified`` ends in others."""
_PERSONS: Final = frozenset({
    "user", "customer", "person", "contact", "recipient", "employee", "member", "owner", "author", "patient", "student",
    "driver", "guest", "sender",
})  # fmt: skip
"""Whose ``name`` is that of a person."""
_OF_USERPILOT: Final = frozenset({"name", "email"})
"""What Userpilot's own pages have among the properties of a user: sending them is what identify is for."""
_QUESTIONS: Final = frozenset({"has", "is", "can", "was", "no", "with", "without"})

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_BY_WORDS: Final[Mapping[tuple[str, ...], str]] = {
    tuple(each.split()): meaning for meaning, names in _NAMES.items() for each in names.split(", ")
}
_LONGEST: Final = max(map(len, _BY_WORDS))

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[A-Za-z]{2,24}")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{0,2}[ ()/.-]?(?:[0-9][ ()/.-]?){6,12}")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_CARD: Final = re.compile(r"[0-9]{13,19}")


def personal_name(name: str, of: str = "") -> str | None:
    """What a field of this name mostly is, if that is personal; `of` is the field it is in."""
    words = _words(name)
    if not words or words[0] in _QUESTIONS:
        return None
    for length in range(min(_LONGEST, len(words)), 0, -1):
        found = _BY_WORDS.get(words[-length:])
        if found is not None:
            return found
    if words[-1] != "name":
        return None
    whose = words[-2] if len(words) > 1 else (_words(of) or ("",))[-1]
    return "the name of a person" if whose.removesuffix("s") in _PERSONS else None


def personal_form(value: Any) -> str | None:
    """What a value of this form mostly is, if that is personal."""
    if not isinstance(value, str) or not 3 <= len(value) <= 320:
        return None
    text = value.strip()
    compact = text.replace(" ", "").replace("-", "")
    if _EMAIL.fullmatch(text):
        return "an e-mail address"
    if _PHONE.fullmatch(text):
        return "a phone number"
    if _IBAN.fullmatch(compact) and _is_iban(compact):
        return "the number of a bank account"
    if _CARD.fullmatch(compact) and compact != text and _is_card(compact):
        return "the number of a card"
    return "an IP address" if _is_ip(text) else None


def personal_fields(subject: LintSubject) -> Iterator[Pointed]:
    """By the names of what is sent, and of what is read for it."""
    for route in subject.routes:
        for where, name, spec, usual in _sent_fields(route):
            found = None if isinstance(spec, LiteralValue) else _personal(subject, name, spec, usual)
            if found is not None:
                yield Pointed(
                    where,
                    f"by its name it is {found}, and it is sent",
                    "remove it, or send what is not personal instead, such as a count or a yes or no",
                )
        yield from _of_whole_objects(subject, route)


def personal_values(subject: LintSubject) -> Iterator[Pointed]:
    """By the form of what samples send, under names that do not say so."""
    for route in subject.routes:
        named = {where for where, *_ in _sent_fields(route)}
        told: set[str] = set()
        for name, value in _values(subject, route):
            found = personal_form(value)
            if found is None or name in told or _says_what_it_is(name) or name in _expected(route.route):
                continue
            told.add(name)
            where = next((each for each in named if each.endswith(f".{name}")), route.where)
            what = f"a sample sends {found} as {name}"
            yield Pointed(where, what, "remove it, add it to never_send, or send what is not personal instead")


def personal_user_id(subject: LintSubject) -> Iterator[Pointed]:
    """An id that is an address cannot change with it, and is in every request."""
    told: set[str] = set()
    for route in subject.routes:
        own = route.route.user_id is not None
        inside = route.route.identify is not None and route.route.identify.user_id is not None
        where = f"{route.where}.identify.user_id" if inside else f"{route.where}.user_id" if own else "mapping.user_id"
        for sent in _sent(subject, route):
            found = personal_form(sent.document.get("user_id"))
            if found is not None and where not in told:
                told.add(where)
                what = f"the user id of a sample is {found}: it is in every request, and changes when that changes"
                yield Pointed(where, what, "read an id that only your systems know")


# --- what is sent


def _sent_fields(route: NamedRoute) -> Iterator[tuple[str, str, ValueSpec, bool]]:
    """Where, name, what is read, and whether it is of a user."""
    given = route.route
    for name, spec in given.metadata.items():
        if spec is not False:
            yield f"{route.where}.metadata.{name}", name, spec, False
    for prefix, part in _parts(given):
        is_user = isinstance(part, IdentifyConfig)
        for name, spec in part.properties.items():
            yield f"{route.where}.{prefix}.properties.{name}", name, spec, is_user


def _parts(route: RouteConfig) -> Iterator[tuple[str, IdentifyConfig | CompanyConfig]]:
    if route.identify is not None:
        yield "identify", route.identify
        if route.identify.company is not None:
            yield "identify.company", route.identify.company
    if route.company is not None:
        yield "company", route.company


def _personal(subject: LintSubject, name: str, spec: ValueSpec, usual: bool) -> str | None:  # noqa: FBT001 - whose it is
    if usual and name in _OF_USERPILOT:
        return None
    paths = [path for text in _texts(spec) if (path := parse_path(text)) is not None]
    hidden = [each for text in subject.section.never_send if (each := parse_path(text)) is not None]
    if paths and all(any(covers(each, path) for each in hidden) for path in paths):
        return None
    for path in paths:
        found = personal_name(path[-1], path[-2] if len(path) > 1 else "")
        if found is not None and not (usual and path[-1] in _OF_USERPILOT):
            return found
    if paths or isinstance(spec, TemplateValue) or not _texts(spec):
        return personal_name(name)
    return None  # a longer expression makes something else of it


def _texts(spec: ValueSpec) -> list[str]:
    """What is read as it is; nothing of a longer expression."""
    match spec:
        case str():
            return [spec]
        case PathValue(path=path):
            return [path]
        case TemplateValue(template=template):
            return re.findall(r"\{([^{}]+)\}", template)
    return []


def _of_whole_objects(subject: LintSubject, route: NamedRoute) -> Iterator[Pointed]:
    """Fields that nobody named, as samples have them."""
    sources = {
        "track": "metadata_from" if route.route.metadata_from is not None else "",
        "identify": "identify.from" if route.route.identify is not None and route.route.identify.whole else "",
        "company": "company.from" if route.route.company is not None and route.route.company.whole else "",
    }
    source = sources.get(route.route.makes, "")
    if not source:
        return
    named = {name for _, name, _, _ in _sent_fields(route)}
    found: dict[str, str] = {}
    for name, _ in _values(subject, route):
        *above, last = name.split(".")
        meaning = personal_name(last, above[-1] if above else "")
        if meaning is not None and name not in named and name not in _expected(route.route):
            found.setdefault(name, meaning)
    omit = "metadata_omit" if source == "metadata_from" else f"{source.removesuffix('from')}omit"
    for name, meaning in found.items():
        what = f"{name} of the whole object is by its name {meaning}, and a sample sends it"
        yield Pointed(f"{route.where}.{source}", what, f"add {name} to {omit}, or to mapping.never_send")


def _expected(route: RouteConfig) -> frozenset[str]:
    return _OF_USERPILOT if route.makes == "identify" else frozenset()


def _sent(subject: LintSubject, route: NamedRoute) -> Iterator[SentSample]:
    for samples in subject.every_sample():
        yield from samples.sent.get(route.name, ())


def _values(subject: LintSubject, route: NamedRoute) -> Iterator[tuple[str, Any]]:
    for sent in _sent(subject, route):
        yield from sent.document.get("metadata", {}).items()
        company = sent.document.get("company")
        if isinstance(company, dict):
            yield from ((name, each) for name, each in company.items() if name not in {"id", "company_id"})


# --- words and forms


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


def _says_what_it_is(name: str) -> bool:
    """Found by its name already; or a version, which looks like an IP address."""
    return personal_name(name) is not None or _words(name)[-1:] == ("version",)


def _is_iban(text: str) -> bool:
    digits = "".join(str(int(sign, 36)) for sign in text[4:] + text[:4])
    return int(digits) % 97 == 1


def _is_card(digits: str) -> bool:
    doubled = [int(sign) * (1 + place % 2) for place, sign in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _is_ip(text: str) -> bool:
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
