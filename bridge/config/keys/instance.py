"""The address of a replica's pages, or the name that stands for those of all replicas."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from bridge.config.keys import scalars

DNS: Final = "dns+http"
"""The scheme of a name of which every address is a replica."""
_ALIKE: Final = "write one such as http://bridge-0:9464, or dns+http://track-bridge-headless:9464 for all of a name"


def normalise(value: Any) -> str:
    """``http://host[:port][/path]``, https:// likewise, or ``dns+http://host:port``; ``host:port`` means http.

    Raises `ValueError` with the end of a sentence. It does not repeat the text: it may hold a password.
    """
    text = scalars.name(value)
    text = (text if "://" in text else f"http://{text}").rstrip("/")
    try:
        url = urlsplit(text)
        port = url.port
        host = (url.hostname or "").encode("idna" if ":" not in (url.hostname or "") else "ascii").decode()
    except ValueError:
        raise ValueError(f"is not an address; {_ALIKE}") from None
    if not text.isprintable() or " " in text or not host or port == 0 or url.scheme not in {"http", "https", DNS}:
        raise ValueError(f"is not an address; {_ALIKE}")
    if "@" in url.netloc:
        raise ValueError("must not carry a user or a password: a replica's pages ask for none")
    if url.query or url.fragment:
        raise ValueError("must end with its path: remove the query or the fragment")
    if url.scheme == DNS and (port is None or url.path):
        raise ValueError(f"must be {DNS}://NAME:PORT, with its port and nothing behind it")
    named = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{named}{'' if port is None else f':{port}'}{url.path.removesuffix('/status')}"
