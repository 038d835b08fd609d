"""The tables of docs/operations.md that are built from the code, so that the page cannot fall behind it.

``python -m scripts.reference_tables docs/operations.md`` writes them again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bridge import exits
from bridge.cli.app import app
from bridge.cli.frame.help import about_of
from bridge.holds import REASONS, SHOWN
from bridge.ops.metrics.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def metrics() -> str:
    """Every metric of the catalogue."""
    rows = ((_code(m.name), m.kind, m.unit, ", ".join(map(_code, m.labels)), m.over, m.meaning) for m in CATALOGUE)
    return _table(("metric", "kind", "unit", "labels", "over replicas", "meaning"), rows)


def reasons() -> str:
    """Every value of `why`."""
    rows = (
        (
            _code(why.value),
            REASONS[why].meaning,
            REASONS[why].action or "Nothing.",
            "until somebody acts" if REASONS[why].needs_operator else "by itself",
        )
        for why in SHOWN
    )
    return _table(("why", "meaning", "what to do", "ends"), rows)


def exit_codes() -> str:
    """Every way a command or the service ends."""
    return _table(("code", "meaning"), ((str(int(code)), text) for code, text in exits.general().items()))


def findings() -> str:
    """What 1 and 3 mean, command by command; a command without one of them never ends with it."""
    said = ((name, about_of(command)) for name, command in commands(typer.main.get_command(app)))
    rows = (
        (_code(f"track-bridge {name}"), each.findings or "", each.unreachable or "")
        for name, each in said
        if each.findings or each.unreachable
    )
    return _table(("command", "1 means", "3 means"), rows)


def commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its name as it is typed after ``track-bridge``."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def kinds() -> str:
    """How `track-bridge check` ends, by the kinds of its findings."""
    rows = ((str(int(each.code)), str(each.detailed), f"{each.meaning[0].upper()}{each.meaning[1:]}.")
            for each in exits.KINDS.values())  # fmt: skip
    return _table(("code", "with `--detailed-exit-code`", "`track-bridge check` found"), rows)


def refreshed(page: str, blocks: Mapping[str, str]) -> str:
    """The page with what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` replaced.

    Raises ValueError where the page has no place for a block.
    """
    for name, text in blocks.items():
        before, begin, rest = page.partition(f"<!-- begin {name} -->\n")
        _, end, after = rest.partition(f"<!-- end {name} -->")
        if not begin or not end:
            raise ValueError(f"the block {name} goes between <!-- begin {name} --> and <!-- end {name} -->")
        page = before + begin + text + end + after
    return page


def blocks() -> dict[str, str]:
    """Every table, by the name of its block."""
    return {
        "metrics": metrics(),
        "why": reasons(),
        "exit-codes": exit_codes(),
        "findings": findings(),
        "kinds": kinds(),
    }


def _code(name: str) -> str:
    return f"`{name}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines)


def main(path: Path) -> None:
    """Write the tables of the page at `path`."""
    path.write_text(refreshed(path.read_text(encoding="utf-8"), blocks()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
