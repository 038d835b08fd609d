"""Who is logged in: sessions that end, and tries that become slow. All of it in memory, all of it bounded."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bridge.console.token import TokenFile
from bridge.errors import InvalidError
from bridge.text.amounts import span
from bridge.text.printable import cut, printable

IDLE: Final = 30 * 60.0
"""Seconds without a request after which a session ends."""
LONGEST: Final = 12 * 3600.0
"""Seconds after which it ends in any case."""
MOST_SESSIONS: Final = 100
"""At once; one more ends the one that was used longest ago."""
FREE_TRIES: Final = 3
"""Wrong tokens of one address before it has to wait."""
SLOWEST: Final = 60.0
"""Seconds between two tries at most."""
MOST_ADDRESSES: Final = 1_000
"""Whose wrong tries are remembered."""
FORGOTTEN_AFTER: Final = 15 * 60.0
"""Seconds after which they are not."""
_NAME: Final = 60


@dataclass(slots=True)
class ConsoleSession:
    """Of somebody who showed the token."""

    name: str
    """As they call themselves, for the log."""
    token: bytes = field(repr=False)
    """Digest of the token it began with: with another token in the file it ends."""
    began: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """In every form of the session: a page of somebody else does not know it."""


@dataclass(slots=True)
class _Tries:
    wrong: int
    at: float


class LoginRefusedError(InvalidError):
    """Why somebody is not logged in: a sentence for the page."""

    def __init__(self, sentence: str, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.wait = wait
        """Seconds until it may be tried again."""


class Sessions:
    """All of them. `clock` counts seconds."""

    def __init__(self, token: TokenFile | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = token
        self._clock = clock
        self._open: OrderedDict[str, ConsoleSession] = OrderedDict()
        """By the digest of the cookie: what memory shows opens nothing. The one used longest ago is first."""
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._login_key = secrets.token_bytes(32)

    @property
    def can_log_in(self) -> bool:
        """Whether a token is configured."""
        return self._token is not None

    def log_in(self, given: str, client: str, name: str = "") -> str:
        """The cookie of a new session. Raises `LoginRefusedError`."""
        if self._token is None:
            raise LoginRefusedError("No console.token_file is configured, so there is nothing to log in with.")
        self._check_pace(client)
        try:
            is_right, digest = self._token.is_token(given), self._token.digest()
        except InvalidError as unusable:
            raise LoginRefusedError("Nobody can log in just now; the console's log says why.") from unusable
        if not is_right:
            self._count(client)
            raise LoginRefusedError("This is not the token of console.token_file.")
        self._tries.pop(client, None)
        cookie, now = secrets.token_urlsafe(32), self._clock()
        self._open[_key(cookie)] = ConsoleSession(cut(printable(name.strip()), _NAME) or "console", digest, now, now)
        while len(self._open) > MOST_SESSIONS:
            self._open.popitem(last=False)
        return cookie

    def session(self, cookie: str, *, is_used: bool = True) -> ConsoleSession | None:
        """The open session of this cookie; `is_used`: somebody asked, and it does not end for idleness."""
        key = _key(cookie)
        found = self._open.get(key)
        if found is None:
            return None
        now = self._clock()
        if now - found.seen > IDLE or now - found.began > LONGEST or not self._is_of_the_present_token(found):
            del self._open[key]
            return None
        if is_used:
            found.seen = now
            self._open.move_to_end(key)
        return found

    def log_out(self, cookie: str) -> None:
        """End it."""
        self._open.pop(_key(cookie), None)

    def login_form(self) -> tuple[str, str]:
        """A cookie and the text of the form that only it goes with: nobody is logged in by another's page."""
        cookie = secrets.token_urlsafe(18)
        return cookie, self._of_login(cookie)

    def is_login_form(self, cookie: str, text: str) -> bool:
        """Whether they go together."""
        return bool(cookie) and hmac.compare_digest(self._of_login(cookie).encode(), text.encode())

    def _of_login(self, cookie: str) -> str:
        return hmac.new(self._login_key, cookie.encode(), hashlib.sha256).hexdigest()

    def _is_of_the_present_token(self, session: ConsoleSession) -> bool:
        try:
            return self._token is not None and hmac.compare_digest(session.token, self._token.digest())
        except InvalidError:
            return False

    def _check_pace(self, client: str) -> None:
        tries = self._tries.get(client)
        if tries is None or tries.wrong < FREE_TRIES:
            return
        left = tries.at + min(SLOWEST, 2.0 ** (tries.wrong - FREE_TRIES + 1)) - self._clock()
        if left > 0.0:
            wait = max(1.0, left)
            raise LoginRefusedError(f"Too many wrong tokens came from here: try again in {span(wait)}.", wait)

    def _count(self, client: str) -> None:
        now = self._clock()
        before = self._tries.pop(client, None)
        wrong = before.wrong if before is not None and now - before.at < FORGOTTEN_AFTER else 0
        self._tries[client] = _Tries(wrong + 1, now)
        while len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
