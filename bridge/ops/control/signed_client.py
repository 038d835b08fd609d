"""Asks a running bridge over its admin server's ``/control``: see `signing`."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

from bridge.ops.control import control_protocol, signing
from bridge.ops.control.control_client import NoAnswerError, NobodyThereError, RefusedError, TakesNothingError
from bridge.ops.control.control_protocol import ProtocolError
from bridge.ops.control.signing import Stamp
from bridge.text.amounts import span
from bridge.text.printable import printable

_CONNECT_LIMIT: Final = 5.0
_ABOUT_LIMIT: Final = 64 * 1024
_INSTANCE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NOT_TAKEN: Final = (404, 405)


def ask(address: str, request: Mapping[str, Any], key: bytes, timeout: float) -> dict[str, Any]:
    """The answer of the bridge whose pages are at this URL; `timeout` in seconds.

    Raises `NobodyThereError` (`TakesNothingError` where something answers) where certainly nothing was done,
    `RefusedError` where the bridge itself refuses, and `NoAnswerError`.
    """
    body = json.dumps({"version": control_protocol.VERSION, **request}, separators=(",", ":")).encode()
    if len(body) > control_protocol.REQUEST_LIMIT:
        raise RefusedError("usage", f"This is {len(body)} bytes to ask: name single partitions.")
    instance, ahead = _about(address)
    stamp = Stamp(instance, int(time.time()), signing.nonce(), signing.digest(body))
    if abs(ahead) > signing.SKEW:
        raise TakesNothingError(
            f"{address}: its clock is {span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} this machine's, and a "
            f"request is good for {span(signing.SKEW)}: set the clocks right"
        )
    status, content, signed = _post(address, stamp.header(key), body, timeout)
    if not signing.is_answer(stamp, signed, key, content):
        if status in range(400, 500) or status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            said = printable(content[:300].decode("utf-8", "replace").strip())
            raise TakesNothingError(f"{address} takes nothing ({status}): {said}")
        raise NoAnswerError(f"{address} answered {status}, and the answer is not signed by the bridge that was asked.")
    try:
        answer = control_protocol.parsed(content)
    except ProtocolError as error:
        raise NoAnswerError(f"{address} answered with {error}.") from error
    if "error" in answer:
        raise RefusedError(str(answer["error"]), str(answer.get("message", "")))
    return answer


def _about(address: str) -> tuple[str, float]:
    """Which process answers there, and by how many seconds its clock is ahead."""
    try:
        with _OrderConnection(address, _CONNECT_LIMIT) as connection:
            connection.request("GET", f"{connection.prefix}{signing.PATH}")
            answer = connection.getresponse()
            content = answer.read(_ABOUT_LIMIT)
        if answer.status in _NOT_TAKEN:
            raise TakesNothingError(
                f"{address} takes no orders: give it console.token_file and restart it, if its version knows that"
            )
        document = json.loads(content)
        instance, at = str(document["instance"]), float(document["time"])
    except OSError as error:
        raise NobodyThereError(f"{address}: {_cause(error)}") from error
    except (http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TakesNothingError(f"{address} answered with something that is no bridge's") from error
    if _INSTANCE.fullmatch(instance) is None:
        raise TakesNothingError(f"{address} answered with something that is no bridge's")
    return instance, at - time.time()


def _post(address: str, signature: str, body: bytes, timeout: float) -> tuple[int, bytes, str]:
    connected = False
    try:
        with _OrderConnection(address, _CONNECT_LIMIT) as connection:
            connection.connect()
            connected = True
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
            headers = {"Content-Type": "application/json", signing.HEADER: signature}
            connection.request("POST", f"{connection.prefix}{signing.PATH}", body, headers)
            answer = connection.getresponse()
            content = answer.read(control_protocol.ANSWER_LIMIT)
            return answer.status, content, answer.getheader(signing.ANSWER_HEADER) or ""
    except (OSError, http.client.HTTPException) as error:
        cause = _cause(error)
        if not connected:
            raise NobodyThereError(f"{address}: {cause}") from error
        raise NoAnswerError(f"{address} did not answer ({cause}): it may be done all the same.") from error


class _OrderConnection:
    """To the address itself, past every proxy."""

    def __init__(self, address: str, timeout: float) -> None:
        url = urlsplit(address if "://" in address else f"http://{address}")
        made = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._connection = made(url.hostname or "", url.port, timeout=timeout)
        self.prefix = url.path.rstrip("/").removesuffix("/status")
        self.connect, self.request = self._connection.connect, self._connection.request
        self.getresponse = self._connection.getresponse

    @property
    def sock(self) -> Any:
        """Once it is connected."""
        return self._connection.sock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
