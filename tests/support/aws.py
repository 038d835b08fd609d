"""What of AWS answers a process, on loopback: STS, the container's credentials, the instance's metadata."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[str, str, dict[str, str]], tuple[int, str]]
"""Method, path and form of a request to a status and a body."""


class Aws:
    def __init__(self) -> None:
        self.asked: list[str] = []
        """Method and path of each request, of STS its action."""
        self.answer: Answer = lambda *_: (404, "")
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                path = urlsplit(self.path).path
                aws.asked.append(form.get("Action") or f"{self.command} {path}")
                status, text = aws.answer(self.command, path, form)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = handle_request  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def container_credentials(access_key: str, seconds: float) -> tuple[int, str]:
    found = {"AccessKeyId": access_key, "SecretAccessKey": "s", "Token": "t", "Expiration": in_seconds(seconds)}
    return 200, json.dumps(found)


def sts_credentials(action: str, access_key: str, seconds: float) -> tuple[int, str]:
    return 200, (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
        f"<AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{in_seconds(seconds)}</Expiration></Credentials></{action}Result></{action}Response>"
    )


def sts_refusal(code: str, message: str) -> tuple[int, str]:
    return 403, (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )
