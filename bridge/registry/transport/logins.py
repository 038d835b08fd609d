"""What the bridge shows a registry of itself. Files are read for every question: questions are rare, and rotate freely.

A file that vanished or is half written leaves what was read before in force, as with the API key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, quote_plus

import orjson

from bridge.registry.outcomes import HttpReply, LookupResult, RegistryFailure

_LARGEST_FILE: Final = 64 * 1024
_HIDDEN: Final = "[hidden]"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, before the login."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class RegistryLogin(Protocol):
    """One way to log in."""

    async def signed(self, question: Question) -> Mapping[str, str]:
        """All headers of a question. Raises `RegistryFailure` where there is nothing to log in with."""

    def refused(self) -> None:
        """What the last question carried was refused: something else, if there is, is taken for the next."""

    def changed(self) -> bool:
        """Whether the files hold another secret than the one that was used last."""

    def scrub(self, text: str) -> str:
        """The text without secrets: an answer may repeat what it refuses."""


class NoLogin:
    """A registry that asks nobody who he is, or by the certificate alone."""

    async def signed(self, question: Question) -> Mapping[str, str]:
        """See `RegistryLogin`."""
        return question.headers

    def refused(self) -> None:
        """See `RegistryLogin`."""

    def changed(self) -> bool:
        """See `RegistryLogin`."""
        return False

    def scrub(self, text: str) -> str:
        """See `RegistryLogin`."""
        return text


class SecretFile:
    """One secret in a file, and the one that was read before."""

    def __init__(self, path: Path, key: str) -> None:
        """`key` is the configuration's name of the file, for sentences."""
        self._path = path
        self._key = key
        self._last: str | None = None

    def read(self) -> str:
        """The secret. Raises `RegistryFailure` where there never was one."""
        try:
            self._last = self._read()
        except (OSError, ValueError) as error:
            if self._last is None:
                why = error.strerror if isinstance(error, OSError) else str(error)
                sentence = f"schema_registry.{self._key}: {self._path} cannot be used: {why}"
                raise RegistryFailure(LookupResult.LOGIN, sentence) from None
        return self._last or ""

    def changed(self) -> bool:
        """Whether the file holds another secret than was read last."""
        try:
            return self._read() != self._last
        except (OSError, ValueError):
            return False

    def scrub(self, text: str) -> str:
        """The text without the secret."""
        return hidden(text, self._last)

    def scrub_made(self, text: str, made: Callable[[str], str]) -> str:
        """The text without what is made of the secret for a header, such as ``Basic czNjcmV0``."""
        return hidden(text, made(self._last).partition(" ")[2]) if self._last else text

    def _read(self) -> str:
        with self._path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise ValueError("it is too large to hold a secret")
        try:
            secret = content.decode("utf-8-sig").strip("\r\n\t ")
        except UnicodeDecodeError:
            raise ValueError("it is not text") from None
        if not secret:
            raise ValueError("it is empty")
        if "\n" in secret or not secret.isprintable():
            raise ValueError("it holds more than one line")
        return secret


class FileLogin:
    """One secret of a file, and what is made of it."""

    def __init__(self, secret: SecretFile, authorization: Callable[[str], str]) -> None:
        """`authorization` makes the header's value of the secret."""
        self._secret = secret
        self._authorization = authorization

    async def signed(self, question: Question) -> Mapping[str, str]:
        """See `RegistryLogin`."""
        return {**question.headers, "Authorization": self._authorization(self._secret.read())}

    def refused(self) -> None:
        """The file is read for the next question anyway."""

    def changed(self) -> bool:
        """See `RegistryLogin`."""
        return self._secret.changed()

    def scrub(self, text: str) -> str:
        """See `RegistryLogin`."""
        return self._secret.scrub(self._secret.scrub_made(text, self._authorization))


def hidden(text: str, secret: str | None) -> str:
    """The text without a secret, also as it is written in a URL or a form."""
    for spelling in {secret or "", quote_plus(secret or ""), quote(secret or "", "")} - {""}:
        text = text.replace(spelling, _HIDDEN)
    return text


def without_secrets(reply: HttpReply, scrub: Callable[[str], str]) -> HttpReply:
    """A refusal that repeats no secret: what is shown of it is cut, and half of a secret would not be found later."""
    if reply.status == 200:
        return reply
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply  # nothing of it is shown
    if not isinstance(found, dict):
        return reply
    # Of what is in deeper places nothing is shown, and not all that is read can be written again: lists 300 deep.
    shown = {name: scrub(each) if isinstance(each, str) else each for name, each in found.items() if _is_flat(each)}
    return replace(reply, body=orjson.dumps(shown))


def _is_flat(found: Any) -> bool:
    return not isinstance(found, dict | list)


def basic_login(username: str, password_file: Path) -> RegistryLogin:
    """A user and a password."""
    return FileLogin(SecretFile(password_file, "basic_auth.password_file"), partial(basic, username))


def bearer_login(token_file: Path) -> RegistryLogin:
    """A token that somebody else writes into a file."""
    return FileLogin(SecretFile(token_file, "bearer_token_file"), lambda token: f"Bearer {token}")


def basic(username: str, password: str) -> str:
    """The header's value for a user and a password, as UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
