"""What a value looks like: a time, an address, something of a person's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from bridge.mapping.expressions import instants
from bridge.proposal.words import words

Spec = str | dict[str, Any]
"""A value of the mapping as a file has it."""

UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.\d][^@\s.]+")
_IP: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}")
_PHONE: Final = re.compile(r"\+\d[\d ()/.-]{6,20}")
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?")
_CARD: Final = re.compile(r"\d{4}(?:[ -]\d{4}){3}|4\d{15}|5[1-5]\d{14}")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_LONG: Final = re.compile(r"(?=[^\s]*\d)[0-9A-Za-z+/=_-]{24,}")

_PERSONAL: Final = {
    "an e-mail address": {"email", "mail", "emails"},
    "a telephone number": {"phone", "telephone", "mobile", "msisdn", "fax"},
    "a name of a person": {"firstname", "lastname", "surname", "fullname", "nickname", "username", "forename"},
    "an address": {"address", "address1", "address2", "street", "zip", "zipcode", "postcode", "postal", "city"},
    "a place on a map": {"latitude", "longitude", "lat", "lng", "lon", "geo"},
    "an address on the network": {"ip", "ipaddress", "remoteaddr"},
    "a mark of a device": {"fingerprint", "cookie", "imei", "idfa", "idfv", "gaid", "mac"},
    "a secret": {"password", "passwd", "token", "secret", "authorization", "apikey", "session", "sessionid"},
    "a date of birth": {"birth", "birthday", "birthdate", "dob"},
    "a number of a document or an account": {"ssn", "iban", "passport", "card", "pan", "cvc", "tax", "vat", "bic"},
    "a trait of a person": {"gender", "sex", "religion", "ethnicity", "salary", "diagnosis"},
}
_PAIRS: Final = {
    ("first", "name"), ("last", "name"), ("full", "name"), ("display", "name"), ("given", "name"), ("family", "name"),
    ("user", "name"), ("customer", "name"), ("contact", "name"), ("user", "agent"), ("useragent",), ("ip", "address"),
    ("middle", "name"), ("account", "holder"), ("owner", "name"), ("author", "name"), ("billing", "name"),
    ("shipping", "name"), ("member", "name"), ("person", "name"), ("holder", "name"), ("login", "name"),
}  # fmt: skip
_PEOPLE: Final = frozenset(
    {"user", "customer", "person", "contact", "member", "patient", "owner", "author", "actor", "traits", "recipient",
     "sender", "buyer", "employee", "shipping", "billing", "profile", "guest", "subscriber", "users", "customers"}
)  # fmt: skip


def personal(names: tuple[str, ...], values: Iterable[Any]) -> str | None:
    """What a field seems to say of a person, by its name or its values; None where nothing does."""
    last = words(names[-1]) if names else ()
    for what, marks in _PERSONAL.items():
        if marks & set(last) or (len(last) > 1 and "".join(last) in marks):
            return what
    if any(tuple(last[at : at + 2]) in _PAIRS for at in range(len(last))) or tuple(last) in _PAIRS:
        return "a name of a person" if "name" in last else "a mark of a device"
    around = {word for name in names[:-1] for word in words(name)}
    if last == ("name",) and around & _PEOPLE:
        return "a name of a person"
    if around & {"address", "addresses", "geo", "location"} and last != ("country",):
        return "an address"
    return _by_value(values)


def _by_value(values: Iterable[Any]) -> str | None:
    for value in values:
        if not isinstance(value, str) or len(value) < 6:
            continue
        if "@" in value and EMAIL.search(value):
            return "an e-mail address, by its values"
        if _IP.fullmatch(value):
            return "an address on the network, by its values"
        if _PHONE.fullmatch(value):
            return "a telephone number, by its values"
        if _IBAN.fullmatch(value) or _CARD.fullmatch(value):
            return "a number of an account, by its values"
    return None


def is_identifier(value: Any) -> bool:
    """Whether it looks like one thing's own: a UUID, a hash, an address, a number."""
    if not isinstance(value, str):
        return True
    return bool(
        UUID.fullmatch(value)
        or EMAIL.fullmatch(value)
        or _URL.fullmatch(value)
        or _IP.fullmatch(value)
        or _LONG.fullmatch(value)
        or sum(map(str.isdigit, value)) > sum(map(str.isalpha, value))
        or not any(map(str.isalpha, value))
    )


# --- times

_RANGES: Final = (("s", 10**9), ("ms", 10**12), ("us", 10**15), ("ns", 10**18))
_UNTIL: Final = 4.1
"""Times what 10⁹ seconds are: the year 2099."""


def time_form(value: Any) -> str | None:
    """``iso``, ``local`` (it states no zone), or the unit that a number counts; None for what is no time."""
    if isinstance(value, bool) or value is None:
        return None
    return _form_of_text(value) if isinstance(value, str) else _unit(value)


def _form_of_text(value: str) -> str | None:
    if not 8 <= len(value) <= 40 or not value[:1].isalnum():
        return None
    if value.isascii() and value.isdigit():
        return _unit(int(value)) if len(value) in {10, 13, 16, 19} else None
    try:
        instants.parse_text(value)
    except instants.NotATimeError:
        return _local(value)
    except (ValueError, OverflowError):
        return None
    return "iso"


def _unit(number: Any) -> str | None:
    for unit, start in _RANGES:
        if start <= number < start * _UNTIL:
            return unit
    return None


def _local(value: str) -> str | None:
    """A date and a time without a zone; a date alone is none."""
    if ":" not in value:
        return None
    try:
        instants.parse_text(f"{value}Z")
    except (instants.NotATimeError, ValueError, OverflowError):
        return None
    return "local"


def time_spec(expression: str, form: str) -> Spec:
    """How the mapping reads a time of this form."""
    match form:
        case "iso":
            return expression
        case "local":
            return {"path": expression, "type": "datetime", "zone": "UTC"}
        case unit:
            return {"path": expression, "type": "datetime", "unit": unit}


def moment(value: Any, form: str) -> float | None:
    """In Unix seconds; None where it is no time of this form."""
    try:
        if form == "iso" and isinstance(value, str):
            return instants.parse_text(value).timestamp()
        if form == "local" and isinstance(value, str):
            return instants.parse_text(f"{value}Z").timestamp()
        if form in {"s", "ms", "us", "ns"} and time_form(value) == form:
            return float(value) / {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[form]
    except (instants.NotATimeError, ValueError, OverflowError):
        return None
    return None
