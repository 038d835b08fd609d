"""A token endpoint of our own: client credentials for tokens `t1`, `t2`, and so on."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, quote_plus

from tests.support.registry.server import Asked, FakeRegistry, Reply

CLIENT_ID = "cl/ient"


def basic(user: str, password: str) -> str:
    """The header's value."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class TokenEndpoint(FakeRegistry):
    """Gives out tokens by client credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = "s3cret"
        """What it lets in, beside `CLIENT_ID`."""
        self.lives: object = 3600
        self.given = 0
        self.takes_basic = True
        self.instead = self.token

    def token(self, asked: Asked) -> Reply:
        form = parse_qs(asked.body.decode())
        shown = asked.headers.get("authorization") if self.takes_basic else None
        if shown != basic(quote_plus(CLIENT_ID), self.secret) and form.get("client_secret") != [self.secret]:
            return Reply.of(401, {"error": "invalid_client", "error_description": "who?"})
        assert form["grant_type"] == ["client_credentials"]
        self.given += 1
        return Reply(200, json.dumps({"access_token": f"t{self.given}", "expires_in": self.lives}).encode())
