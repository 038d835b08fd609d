"""Logins by OAUTHBEARER: what a broker needs to take tokens, and an endpoint on loopback that gives them."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

SECRET: Final = "MARKED-oauth-31f0"
"""Of the client ``bridge``."""


def broker_properties(reauthenticate_ms: int) -> dict[str, str]:
    """For `BrokerSettings` with `sasl`: takes unsigned tokens, ends connections that do not log in again in time."""
    module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
    return {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "listener.name.auth.oauthbearer.sasl.jaas.config": (
            f'{module} required unsecuredLoginStringClaim_sub="broker";'
        ),
        "listener.name.auth.oauthbearer.connections.max.reauth.ms": str(reauthenticate_ms),
    }


def msk_properties(reauthenticate_ms: int) -> dict[str, str]:
    """The same of a broker that takes tokens as Amazon MSK does, with `MSK_TOKENS` as its `java`."""
    return broker_properties(reauthenticate_ms) | {
        "listener.name.auth.oauthbearer.sasl.server.callback.handler.class": "MskTokens",
    }


MSK_TOKENS: Final = ("MskTokens.java",)


def client_properties(url: str, secret: str = SECRET) -> dict[str, str]:
    """Of a client that gets its tokens at `url`."""
    return {
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": url,
        "sasl.oauthbearer.client.id": "bridge",
        "sasl.oauthbearer.client.secret": secret,
    }


class TokenEndpoint:
    """Client credentials and JWT bearer, as RFC 6749 and RFC 7523 have them; of one client, on one thread at a time."""

    def __init__(self, lifetime: float = 3600.0, port: int = 0) -> None:
        """`lifetime` of tokens in seconds."""
        self.lifetime = lifetime
        self.away = False
        """Answers 503."""
        self.claims: dict[str, Any] = {}
        """Of the next tokens, over the usual ones."""
        self.requests: list[dict[str, str]] = []
        """The form of each, and beside it what the headers ``Authorization`` and ``Metadata`` say."""
        self.given = 0
        """Tokens."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                form |= {name: self.headers.get(name) or "" for name in ("Authorization", "Metadata")}
                status, answer = endpoint.answer(form)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/token"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.requests.append(form)
        if self.away:
            return 503, {"error": "temporarily_unavailable"}
        if form.get("grant_type") == "client_credentials" and _basic(form["Authorization"]) != ("bridge", SECRET):
            return 401, {"error": "invalid_client", "error_description": "the secret is not this client's"}
        self.given += 1
        return 200, {"access_token": self.token(), "token_type": "Bearer", "expires_in": int(self.lifetime)}

    def token(self) -> str:
        """A JWT without a signature."""
        now = time.time()
        claims = {"sub": "bridge", "iat": int(now), "exp": int(now + self.lifetime), **self.claims}
        return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _basic(header: str) -> tuple[str, str]:
    name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return name, password
