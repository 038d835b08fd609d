"""Secrets that carry a mark, and a witness that looks for it in everything a test's processes show."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx

from tests.support.service.replica import Replica
from tests.support.waiting import until

MARK: Final = "MARKED"
"""In every secret; nothing else of a test may hold it."""
KEY: Final = "NX-MARKED/9d41c7e2+x"
"""With characters that are spelt in other ways in addresses and in JSON."""
NEXT_KEY: Final = "NX-MARKED/second-5b0d"
REPEATS: Final = json.dumps({"errors": [{"error_code": KEY, "message": f"no: Token {KEY}", "details": KEY}]})
"""The body of an answer that says the key again."""
PAGES: Final = ("/", "/livez", "/readyz", "/metrics", "/status")

CORE: Final = (b"KeyFile(", b"Redactor(", b"Kafka(", b"Dispatcher")
"""Objects that must be among those that were asked."""


def spellings(text: str) -> frozenset[bytes]:
    """The text as it may stand in something that was encoded: in base64 at any place of a longer one."""
    raw = text.encode()
    shifted = (base64.b64encode(b"\0" * shift + raw)[-(-shift * 4 // 3) :] for shift in range(3))
    encoded = {each.rstrip(b"=")[: len(raw) * 4 // 3 - 2] for each in shifted}
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in text).encode()
    return frozenset({raw, quote(text, safe="").encode(), raw.hex().encode(), escaped, *encoded})


class Witness:
    """Looks for marked secrets in whatever it is shown, and remembers where it looked."""

    def __init__(self, *secrets: str) -> None:
        self._spellings = {spelling for secret in (MARK, *secrets) for spelling in spellings(secret)}
        self.looked: Counter[str] = Counter()
        """By place, how many bytes."""
        self.found: list[str] = []
        """Each a sentence with what stands around it."""

    def look(self, place: str, shown: str | bytes | None) -> None:
        """At one log, page, letter, or whatever else somebody may read."""
        text = shown.encode() if isinstance(shown, str) else shown or b""
        self.looked[place] += len(text)
        for spelling in self._spellings:
            if spelling in text:
                at = text.index(spelling)
                self.found.append(f"{spelling!r} in {place}: {text[max(0, at - 200) : at + 60]!r}")

    def missed(self, places: Iterable[str]) -> list[str]:
        """Those of these places where there was nothing to look at."""
        return [place for place in places if not self.looked[place]]


class WatchedReplica(Replica):
    """A replica whose pages are all shown to a witness, and which can be asked for its objects."""

    program = "tests.support.service.telling"

    def __init__(self, file: Path, log: Path, witness: Witness) -> None:
        self._told = log.with_suffix(".objects")
        super().__init__(file, log, environ={"TELL": str(self._told)})
        self._witness = witness

    async def get(self, path: str) -> httpx.Response:
        """As `Replica.get`."""
        answer = await super().get(path)
        self._witness.look(path, f"{answer.headers}\n{answer.text}")
        return answer

    async def show_everything(self) -> None:
        """Every page, and what each object of the bridge tells of itself."""
        for path in PAGES:
            await self.get(path)
        self._told.unlink(missing_ok=True)
        self._signal(signal.SIGUSR2)
        await until("its objects are told", self._told.exists)
        told = await asyncio.to_thread(self._told.read_bytes)
        assert all(name in told for name in CORE), f"{self._told.name} is without some of {CORE}"
        self._witness.look("objects", told)
