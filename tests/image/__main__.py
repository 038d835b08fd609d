"""``make image-facts``: what the image weighs and how fast it starts, as docs/image.md cites it.

python -m tests.image IMAGE [BASE]    BASE: what it was built on, where that is not what the Dockerfile names
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.image import base, facts
from tests.image.containers import script
from tests.image.engine import CommandError, Engine, NoEngineError, engine

_DISTRIBUTIONS = "from importlib.metadata import distributions; print(len(list(distributions())))"


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, or 3 where there is no engine or no such image."""
    image, stands_on = arguments[0], (arguments[1] if len(arguments) > 1 else base.wanted())
    try:
        with engine() as chosen, tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # the container's user has to reach the configuration in it
            for line in _lines(chosen, image, stands_on, Path(folder)):
                sys.stdout.write(f"{line}\n")
    except NoEngineError as error:
        sys.stderr.write(f"There is nothing to run the image on: {error}.\n")
    except CommandError as error:
        sys.stderr.write(f"{error}\nIs there such an image? `make image` makes it.\n")
    else:
        return 0
    return 3


def _lines(chosen: Engine, image: str, stands_on: str, folder: Path) -> Iterator[str]:
    layers, below = facts.saved_layers(chosen, image, folder), facts.layers_below(chosen, stands_on)
    yield f"{image} on {stands_on}"
    yield f"  {'':34}{'unpacked':>10}{'compressed':>12}"
    for name, part in (("base", layers[:below]), ("the bridge with what it needs", layers[below:]), ("all", layers)):
        weight = facts.weight(part)
        yield f"  {name:34}{weight.unpacked / 1e6:>7.1f} MB{weight.compressed / 1e6:>9.1f} MB"
    yield f"  {int(script(chosen, image, _DISTRIBUTIONS))} Python distributions"
    yield f"  {'best of 5 starts, in the container':42}{'seconds':>8}{'of CPU':>8}"
    for start in facts.starts(chosen, image, folder):
        yield f"  {start.command:42}{start.wall:>8.2f}{start.cpu:>8.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
