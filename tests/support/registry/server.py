"""A small schema registry of our own, for what a real one cannot be made to do: GUIDs, 401, 5xx, lag, HTML, silence."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

JSON = "application/vnd.schemaregistry.v1+json"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that came."""

    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, content: Any) -> Reply:
        return cls(status, json.dumps(content).encode())


HTML = Reply(200, b"<html><body>Sign in</body></html>", "text/html; charset=utf-8")


@dataclass(slots=True)
class Registered:
    """One version of one subject."""

    subject: str
    version: int
    id: int
    guid: str
    schema: str
    kind: str
    references: Sequence[Mapping[str, Any]]
    descriptor: bytes | None


Instead = Callable[[Asked], Reply | None]


class FakeRegistry:
    """As Confluent's, on a loopback port; use it in a ``with``. Everything may be changed while it runs."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.instead: Instead = lambda _asked: None
        """Asked first: what it answers goes out. See `always` and `login`."""
        self.hidden: set[int] = set()
        """Ids that this replica does not know yet."""
        self.serializes = True
        """Whether ``format=serialized`` works."""
        self._registered: list[Registered] = []
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self._silent = threading.Event()
        self._silent.set()

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self._silent.set()
        self.down()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    # --- what is in it

    def register(
        self,
        subject: str,
        schema: Any,
        kind: str = "AVRO",
        *,
        references: Sequence[Mapping[str, Any]] = (),
        descriptor: bytes | None = None,
        id: int | None = None,  # noqa: A002 - as the API calls it
    ) -> int:
        """`schema` is a text, or what is written as JSON. The same id for the same text, as in a real one."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        number = id or max((each.id for each in self._registered), default=0) + 1
        version = sum(each.subject == subject for each in self._registered) + 1
        guid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}{text}"))
        self._registered.append(Registered(subject, version, number, guid, text, kind, references, descriptor))
        return number

    def guid(self, number: int) -> str:
        return next(each.guid for each in self._registered if each.id == number)

    # --- how it behaves

    def down(self) -> None:
        """Connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def up(self) -> None:
        """On the port that it had before."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), self, self._tls)
            self._port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def always(self, reply: Reply | None) -> None:
        """Answer this to everything; None: as a registry again."""
        self.instead = lambda _asked: reply

    def login(self, *authorizations: str) -> None:
        """Refuse everybody who does not send one of these."""
        refusal = Reply.of(401, {"error_code": 40101, "message": "Unauthorized"})
        self.instead = lambda asked: None if asked.headers.get("authorization") in authorizations else refusal

    def silence(self) -> None:
        """Take questions, and answer none before `speak`."""
        self._silent.clear()

    def speak(self) -> None:
        self._silent.set()

    def answer_to(self, method: str, path: str) -> Reply:
        """What it would answer, without a connection."""
        return self._answer(Asked(method, path, {}, b""))

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        self._silent.wait(30)
        return self.instead(asked) or self._answer(asked)

    def _answer(self, asked: Asked) -> Reply:  # noqa: PLR0911 - a table of paths
        url = urlsplit(asked.path)
        query = parse_qs(url.query)
        match [unquote(part) for part in url.path.strip("/").split("/")]:
            case ["schemas", "ids", number]:
                known = [each for each in self._registered if str(each.id) == number and each.id not in self.hidden]
                return self._schema(known[:1], query, 40403, "Schema not found")
            case ["schemas", "guids", guid]:
                known = [each for each in self._registered if each.guid == guid and each.id not in self.hidden]
                return self._schema(known[:1], query, 40403, "Schema not found")
            case ["subjects", subject, "versions", version]:
                return self._version(subject, version, query)
            case ["subjects", subject, "versions"] if asked.method == "POST":
                given = json.loads(asked.body)
                kind = given.get("schemaType") or "AVRO"
                made = self.register(subject, given["schema"], kind, references=given.get("references") or ())
                return Reply.of(200, {"id": made, "guid": self.guid(made), "schemaType": kind, **given})
            case ["subjects", subject] if asked.method == "POST":
                text = json.loads(asked.body)["schema"]
                same = [each for each in self._registered if (each.subject, each.schema) == (subject, text)]
                return self._schema(same, query, 40403, "Schema not found", whole=True)
            case ["subjects"]:
                return Reply.of(200, sorted({each.subject for each in self._registered}))
            case _:
                return Reply.of(404, {"error_code": 404, "message": "HTTP 404 Not Found"})

    def _version(self, subject: str, version: str, query: Mapping[str, list[str]]) -> Reply:
        of_subject = [each for each in self._registered if each.subject == subject and each.id not in self.hidden]
        if not of_subject:
            return Reply.of(404, {"error_code": 40401, "message": f"Subject '{subject}' not found."})
        known = [each for each in of_subject if version in {str(each.version), "latest"}][-1:]
        return self._schema(known, query, 40402, f"Version {version} not found.", whole=True)

    def _schema(
        self,
        known: Sequence[Registered],
        query: Mapping[str, list[str]],
        code: int,
        message: str,
        *,
        whole: bool = False,
    ) -> Reply:
        if not known:
            return Reply.of(404, {"error_code": code, "message": message})
        one = known[0]
        text = one.schema
        if query.get("format") == ["serialized"] and one.kind == "PROTOBUF":
            if not self.serializes or one.descriptor is None:
                return Reply.of(500, {"error_code": 500, "message": "cannot be serialized"})
            text = base64.b64encode(one.descriptor).decode()
        content: dict[str, Any] = {"schema": text}
        if whole:
            content |= {"subject": one.subject, "version": one.version, "id": one.id, "guid": one.guid}
        if one.kind != "AVRO":
            content["schemaType"] = one.kind
        if one.references:
            content["references"] = list(one.references)
        return Reply.of(200, content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], registry: FakeRegistry, tls: ssl.SSLContext | None) -> None:
        self.registry = registry
        self._tls = tls
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the connection's own thread: a handshake that hangs must not hold up the others.
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(5)
        with suppress(OSError), self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """A client that goes away early is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.registry.answer(Asked(self.command, self.path, headers, body))
        self.send_response(reply.status)
        if reply.content_type:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_POST = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
