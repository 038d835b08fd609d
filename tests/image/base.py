"""The base that the image under test stands on: the one the Dockerfile names, or a stand-in where it cannot be had."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.image.engine import CommandError, Engine

ROOT = Path(__file__).parents[2]
STAND_IN = "track-bridge-stand-in:2"
"""Its number goes up when the recipe below changes."""
PACKAGES = ("ca-certificates", "netbase", "tzdata", "python3", "python3-pip", "python3-venv")
PULLING = 300.0
MAKING = 600.0
_PATH = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


class NoBaseError(Exception):
    """Why there is nothing to build on; the message completes a sentence."""


@dataclass(frozen=True, slots=True)
class Base:
    """An image in the engine's store."""

    name: str
    is_stand_in: bool


def wanted() -> str:
    """The base that the Dockerfile names."""
    (name,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return str(name)


def provide(engine: Engine) -> Base:
    """Have one there. Raises `NoBaseError`."""
    name = wanted()
    if _is_there(engine, name):
        return Base(name, is_stand_in=False)
    try:
        engine.run("pull", "--quiet", name, timeout=PULLING)
    except (CommandError, subprocess.TimeoutExpired) as error:
        refused = str(error).strip().splitlines()[-1][:300]
    else:
        return Base(name, is_stand_in=False)
    if not _is_there(engine, STAND_IN):
        archive = _archive(f"{name} cannot be pulled ({refused})")
        engine.run("import", "--change", _PATH, str(archive), STAND_IN)
    return Base(STAND_IN, is_stand_in=True)


def _is_there(engine: Engine, name: str) -> bool:
    return engine.try_to("image", "inspect", name).returncode == 0


def _archive(reason: str) -> Path:
    """Debian trixie with its Python 3.13 where the real base has one: made once, in a minute, and kept (180 MB)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "track-bridge" / "image"
    archive = cache / f"{STAND_IN.replace(':', '-')}.tar"
    if archive.exists():
        return archive
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        raise NoBaseError(f"{reason}, and making a stand-in takes root and mmdebstrap")
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}.tar")
    made = subprocess.run(
        [
            *("mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
            '--customize-hook=ln -s ../../bin/python3 "$1/usr/local/bin/python"',
            '--customize-hook=rm -f "$1"/usr/lib/python3.*/EXTERNALLY-MANAGED',
            # What this machine trusts: a package index may be reached through a proxy with an authority of its own.
            '--customize-hook=cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/" || true',
            *("trixie", str(unfinished)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=MAKING,
    )
    if made.returncode:
        unfinished.unlink(missing_ok=True)
        said = [line for line in made.stderr.splitlines() if line.startswith("E:")] or made.stderr.splitlines()
        raise NoBaseError(
            f"{reason}, and mmdebstrap could not make a stand-in: {(said or ['it said nothing'])[0][:300]}"
        )
    unfinished.rename(archive)  # all of it or nothing: an interrupted run leaves no half of it behind
    return archive
