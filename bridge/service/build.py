"""What this process is made of, for `track_bridge_build_info`."""

from __future__ import annotations

import platform

from bridge.config import environment
from bridge.config.fingerprint import configuration_hash
from bridge.config.sections import Config
from bridge.kafka.client import library_version
from bridge.ops.snapshot import Build


def what_is_built(config: Config) -> Build:
    """Commit, settings, libraries."""
    return Build(
        revision=environment.revision(environment.variables()),
        configuration=configuration_hash(config),
        librdkafka=library_version(),
        python=platform.python_version(),
    )
