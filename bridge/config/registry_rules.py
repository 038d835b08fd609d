"""What the keys of `schema_registry` must fulfil together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.config.keys import endpoint, registry_url
from bridge.config.keys.problems import Problem
from bridge.errors import InvalidError

_LOGINS: Final = ("basic_auth", "bearer_token_file", "oauth")


def problems(section: Mapping[str, Any]) -> Iterator[Problem]:
    """Of the keys that are valid on their own."""
    urls: tuple[str, ...] = section.get("urls", ())
    for number, text in enumerate(urls):
        yield from _address(text, f"urls[{number}]", needs_region=section.get("type") == "glue")
    given = [name for name in _LOGINS if section.get(name) is not None]
    if len(given) > 1:
        yield _problem(given[1], f"must not be set beside {given[0]}; there is one way to log in")
    elif given and section.get("type") == "glue":
        yield _problem(given[0], "must not be set with type: glue, where AWS' own credentials are taken")
    if section.get("oauth") is not None:
        yield from _token_endpoint(section["oauth"].token_endpoint)
    tls = section.get("tls")
    if tls is not None and tls.key_file is not None and tls.certificate_file is None:
        yield _problem("tls.key_file", "is the key of a certificate; set tls.certificate_file")


def warnings(section: Mapping[str, Any]) -> Iterator[Problem]:
    """What is allowed but worth saying at each start."""
    if any(section.get(name) is not None for name in _LOGINS):
        for number, text in enumerate(section.get("urls", ())):
            if _is_open(text):
                yield _problem(f"urls[{number}]", "is plain http, which shows the registry's login to the network")
    oauth = section.get("oauth")
    if oauth is not None and _is_open(oauth.token_endpoint):
        yield _problem("oauth.token_endpoint", "is plain http, which shows the client's secret to the network")


def _address(text: str, key: str, *, needs_region: bool) -> Iterator[Problem]:
    try:
        base, region = registry_url.normalise(text)
        if needs_region:
            registry_url.region_of(base, region)
    except InvalidError as error:
        yield _problem(key, str(error))


def _token_endpoint(text: str) -> Iterator[Problem]:
    try:
        registry_url.token_endpoint(text)
    except InvalidError as error:
        yield _problem("oauth.token_endpoint", str(error))


def _is_open(text: str) -> bool:
    return text.strip().startswith("http://") and not endpoint.is_loopback(text.strip())


def _problem(key: str, sentence: str) -> Problem:
    return Problem(f"schema_registry.{key}", sentence)
