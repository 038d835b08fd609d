"""Tries the bridge where this machine is not: ``make platforms``, or some of ``make platforms ARGS='wheels arm64'``.

``wheels``: everything pinned can be installed on each platform and Python that is named in docs/releasing.md.
``amd64``, ``arm64``: the demo, then tests, with the image's Python on that processor, emulated where it is not ours.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.platforms import wheels
from tests.platforms.root import PROCESSORS, DebianRoot, NoRootError, is_own, provide
from tests.platforms.supported import pythons

WHEELS = "wheels"
SAMPLE = ("tests/unit/decode/protobuf", "tests/contract/emulator", "tests/contract/track")
"""What depends on a processor or on a Python most: bytes read and written, compiled packages, sockets."""
TESTING = ("-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "-m", "everyday", "--timeout=900")
PROFILE = "--hypothesis-profile=everyday"


def main() -> int:
    """0 where everything that was asked for works; 1 where something does not; 2 where it cannot be tried here."""
    parser = argparse.ArgumentParser(prog="python -m tests.platforms", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"of {', '.join((WHEELS, *PROCESSORS))}; all without")
    parser.add_argument("--tests", nargs="+", default=SAMPLE, metavar="PATH", help="others than the sample")
    given = parser.parse_args()
    if unknown := set(given.what) - {WHEELS, *PROCESSORS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    works = True
    for name in given.what or (WHEELS, *PROCESSORS):
        try:
            works &= _wheels() if name == WHEELS else _everything(provide(name), given.tests)
        except NoRootError as error:
            _say(f"{name}: NOT TRIED: {error}")
            return 2
    return 0 if works else 1


def _wheels() -> bool:
    works = True
    for where, problem in wheels.missing(pythons()):
        _say(f"wheels, {where}: {problem or 'all there'}")
        works &= problem is None
    return works


def _everything(root: DebianRoot, tests: list[str]) -> bool:
    name = f"{root.processor}{'' if is_own(root.processor) else ', emulated'}, Python {root.python}"
    demo = _timed(f"{name}, demo", root, "-m", "bridge", "demo")
    return _timed(f"{name}, tests", root, *TESTING, PROFILE, *tests) and demo


def _timed(name: str, root: DebianRoot, *words: str) -> bool:
    began = time.monotonic()
    code = root.run(*words).returncode
    _say(f"{name}: {'works' if code == 0 else f'FAILED with {code}'}, {time.monotonic() - began:.0f} s")
    return code == 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
