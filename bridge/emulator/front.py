"""Who may look at the emulator's page and who may switch its faults: pure decisions over one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.config.keys.scalars import Listen
from bridge.console.reach import ConsoleReach, is_loopback
from bridge.sandbox.emulator.admin import ADMIN
from bridge.sandbox.emulator.connection import ReceivedRequest
from bridge.text.printable import cut, printable

PAGE: Final = "/"
LIVE: Final = "/_live"
FAULTS: Final = "/_faults"
STATIC: Final = "/_static/"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""As the console's."""
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class FrontRefusal:
    """An answer that is a sentence."""

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class EmulatorFront:
    """What beside the Track API is answered, and to whom."""

    listen: Listen
    remote_faults: bool = False
    """Faults may be switched from other machines, too."""

    def is_meant(self, request: ReceivedRequest) -> bool:
        """Whether the request is for the page and what belongs to it, and not for the Track API."""
        if request.method == "GET" and request.path == PAGE:
            return True
        return request.path in (LIVE, FAULTS) or request.path.startswith((STATIC, ADMIN))

    def refusal(self, request: ReceivedRequest, peer: str) -> FrontRefusal | None:
        """Why it is not answered; None: it is."""
        headers = request.headers
        host = headers.get("host", "")
        reads = request.method == "GET"
        if _from_a_browser(request) and not ConsoleReach(self.listen).knows(host):
            called = cut(printable(host), _SHOWN) or "nothing"
            return FrontRefusal(421, f"The emulator's page does not answer to the name {called}: ask its address.")
        if _is_of_another_site(request, reads=reads):
            return FrontRefusal(403, "A page of another site asked for this. Open the emulator's own page.")
        if not reads and not self.remote_faults and not is_loopback(peer):
            return FrontRefusal(
                403,
                f"Faults are switched from the machine the emulator runs on, and this request comes from {peer}: start"
                " it with --remote-faults to allow that.",
            )
        return None


def _from_a_browser(request: ReceivedRequest) -> bool:
    """A page is for browsers, whatever asks for it; what a browser sends says so."""
    return request.path == PAGE or "sec-fetch-site" in request.headers or "origin" in request.headers


def _is_of_another_site(request: ReceivedRequest, *, reads: bool) -> bool:
    headers = request.headers
    site = headers.get("sec-fetch-site")
    if reads:
        if site in (None, "same-origin", "none"):
            return False
        return not (headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document")
    origin = headers.get("origin")
    own = f"://{headers.get('host', '').lower()}"
    return site not in (None, "same-origin") or (origin is not None and not origin.lower().endswith(own))
