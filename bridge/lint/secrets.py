"""Secrets where others read them: in the file, and on the network. None is ever repeated."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.config import kafka_properties
from bridge.config.keys.endpoint import is_loopback
from bridge.lint.lint_finding import Pointed
from bridge.lint.subject import LintSubject


def in_the_file(subject: LintSubject) -> Iterator[Pointed]:
    """What came from the environment or another file has a place that says so."""
    config = subject.config
    if config.track.api_key is not None and _is_written(subject, "track.api_key"):
        yield Pointed("track.api_key", "is written in the file", "name a file in track.api_key_file, or write ${NAME}")
    for section in ("kafka", "dead_letter"):
        for name in getattr(config, section).properties:
            where = f"{section}.properties.{name}"
            if kafka_properties.is_secret(name) and _is_written(subject, where):
                yield Pointed(where, "is written in the file", f"write {name}_file: /path/to/it, or ${{NAME}}")


def _is_written(subject: LintSubject, where: str) -> bool:
    """In this file, and not put in from elsewhere."""
    source = subject.sources.get(where, "")
    return source.startswith("line ") and "," not in source


def over_plain_http(subject: LintSubject) -> Iterator[Pointed]:
    """With a key or a password in it."""
    track = subject.config.track
    if _is_plain(track.endpoint):
        yield Pointed("track.endpoint", "is plain http: the API key is in clear text on the network", "use https")
    registry = subject.config.schema_registry
    if registry is None:
        return
    has_login = any(each is not None for each in (registry.basic_auth, registry.bearer_token_file, registry.oauth))
    for place, url in enumerate(registry.urls):
        if has_login and _is_plain(url):
            what = "is plain http: the login of the registry is in clear text on the network"
            yield Pointed(f"schema_registry.urls[{place}]", what, "use https")


def _is_plain(url: str) -> bool:
    return url.startswith("http://") and not is_loopback(url)


def kafka_in_clear_text(subject: LintSubject) -> Iterator[Pointed]:
    """SASL without TLS: PLAIN sends the password itself, SCRAM what can be tried out offline."""
    for section in ("kafka", "dead_letter"):
        properties = getattr(subject.config, section).properties
        protocol = str(properties.get("security.protocol", "")).lower()
        if protocol == "sasl_plaintext":
            what = "is sasl_plaintext: the login goes over the network without TLS"
            yield Pointed(f"{section}.properties.security.protocol", what, "use sasl_ssl")
