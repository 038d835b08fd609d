"""What an operator types: one file per command, each importing what it needs only when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """The console scripts ``bridge`` and ``track-bridge``."""
    try:
        from bridge.cli import entry  # importing takes long enough for somebody to press Ctrl-C

        code = entry.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
