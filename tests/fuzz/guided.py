"""One target under libFuzzer: ``python -m tests.fuzz.guided TARGET [libFuzzer's options and folders]``."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Never returns: libFuzzer ends the process, with 77 where a promise broke."""
    with atheris.instrument_imports(include=["bridge"]):
        # Whatever was imported before is not instrumented, so this is the first import of the program.
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415

    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
