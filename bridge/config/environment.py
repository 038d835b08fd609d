"""What the program learns from the environment besides the configuration's own values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bridge.config.keys import endpoint
from bridge.config.keys.problems import ConfigError, Problem

CONFIG_FILES = (Path("bridge.yaml"), Path("/etc/track-bridge/bridge.yaml"))
"""Where the configuration is looked for when nobody says where it is."""


def variables() -> Mapping[str, str]:
    """The environment, for `load.read` and for the functions below."""
    return os.environ


def config_file(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration to read: the path given, else BRIDGE_CONFIG, else the first of `CONFIG_FILES` that exists.

    A path that somebody named is returned whether or not it exists: falling back to another file would run the bridge
    with a configuration nobody asked for. Raises `ConfigError` where nothing is named and nothing is found.
    """
    if given is not None:
        return given
    if named := environ.get("BRIDGE_CONFIG"):
        return Path(named)
    for path in CONFIG_FILES:
        if path.exists():
            return path
    here, installed = CONFIG_FILES
    raise ConfigError(
        [
            Problem(
                str(here),
                f"does not exist here, nor does {installed}; name the configuration with --config, or in BRIDGE_CONFIG",
            )
        ]
    )


def revision(environ: Mapping[str, str]) -> str:
    """The commit of which the image was made, as the image says in TRACK_BRIDGE_REVISION; empty elsewhere."""
    given = environ.get("TRACK_BRIDGE_REVISION", "").strip()
    return "" if given == "unknown" else given


def traceback_wanted(environ: Mapping[str, str]) -> bool:
    """Whether BRIDGE_TRACEBACK asks to see where a defect happened."""
    return environ.get("BRIDGE_TRACEBACK", "") not in {"", "0", "false"}


def colours_wanted(environ: Mapping[str, str]) -> bool:
    """Whether a terminal may be written to in colours: unless NO_COLOR is set to anything, or it can show none."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def proxy_for(base_url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that the environment sets for this address, as curl reads it; it may hold a password.

    HTTPS_PROXY (or HTTP_PROXY for plain http), else ALL_PROXY, unless NO_PROXY names the host; the lower-case names
    win. HTTP_PROXY in capitals is not read: under CGI a request header could set it. Never for a loopback address.
    """
    url = urlsplit(base_url)
    if endpoint.is_loopback(base_url) or _is_exempt(url.hostname or "", url.port, _either("no_proxy", environ) or ""):
        return None
    own = environ.get("http_proxy") if url.scheme == "http" else _either("https_proxy", environ)
    return own or _either("all_proxy", environ) or None


def _either(name: str, environ: Mapping[str, str]) -> str | None:
    return environ.get(name) or environ.get(name.upper())


def _is_exempt(host: str, port: int | None, exempt: str) -> bool:
    """NO_PROXY: hosts and domains (with or without a leading dot, maybe with a port), or * for all."""
    for entry in (part.strip().lower() for part in exempt.split(",")):
        name, _, only_port = entry.partition(":") if entry.count(":") == 1 else (entry.strip("[]"), "", "")
        name = name.removeprefix("*").removeprefix(".")
        if entry == "*" or (
            name and (host == name or host.endswith(f".{name}")) and (not only_port or only_port == str(port or 443))
        ):
            return True
    return False
