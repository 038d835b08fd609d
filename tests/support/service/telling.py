"""`track-bridge run` in a process that can be asked what its objects would tell a log, a debugger or a crash report.

On SIGUSR2 it writes the `repr` and the `str` of every living object of the bridge into the file that `TELL` names.
"""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

from bridge.cli import main


def tell(*_: object) -> None:
    """The file is there only when it is whole: whoever waits for it may read it then."""
    path = Path(os.environ["TELL"])
    gc.unfreeze()  # what the service made at its start is frozen, and would not be among these
    lines = [_shown(each) for each in gc.get_objects() if str(type(each).__module__).startswith("bridge.")]
    gc.freeze()
    fresh = path.with_suffix(".new")
    fresh.write_text("\n".join(lines), encoding="utf-8", errors="backslashreplace")
    fresh.replace(path)


def _shown(each: object) -> str:
    try:
        return f"{each!r} {each!s}"
    except Exception as error:  # noqa: BLE001 - half-made, or changed by another thread at this moment
        return f"{type(each).__name__} could not be shown: {error!r}"


if __name__ == "__main__":
    signal.signal(signal.SIGUSR2, tell)
    main()
