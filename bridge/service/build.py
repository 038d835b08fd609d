"""What this process is made of, for `track_bridge_build_info`."""

from __future__ import annotations

import json
import platform
from importlib import metadata

from bridge.config import environment
from bridge.config.fingerprint import configuration_hash
from bridge.config.sections import Config
from bridge.kafka.client import library_version
from bridge.ops.snapshot import Build

UNKNOWN = "unknown"


def what_is_built(config: Config) -> Build:
    """Commit, settings, libraries."""
    return Build(
        revision=environment.revision(environment.variables()) or installed_from() or UNKNOWN,
        configuration=configuration_hash(config),
        librdkafka=library_version(),
        python=platform.python_version(),
    )


def installed_from(package: str = "track-bridge") -> str:
    """The commit that pip took the package from, where it came out of a repository (PEP 610); else empty."""
    try:
        origin = json.loads(metadata.distribution(package).read_text("direct_url.json") or "{}")
        return str(origin["vcs_info"]["commit_id"])
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        return ""
