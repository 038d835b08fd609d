"""What commands print: plain lines everywhere, with colour only where a person watches."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bridge.errors import Misuse
from bridge.text import tables
from bridge.text.printable import printable, printable_json, printable_lines

_NARROWEST = 9
"""Columns are cut no further: what is left of them must still be told apart."""


def line(text: str = "", style: str | None = None) -> None:
    """One line on standard output. A terminal obeys nothing of it, whatever came from outside.

    Only `text.printable` keeps such a text from having lines of its own: it must have gone through it before.
    """
    text = printable_lines(text)
    if style is None or not sys.stdout.isatty():
        sys.stdout.write(f"{text}\n")
        return
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True).print(Text(text, style=style))


def lines(texts: Iterable[str]) -> None:
    """Several of them."""
    for text in texts:
        line(text)


def to_stderr(texts: Iterable[str]) -> None:
    """Lines beside a document that a script reads."""
    for text in texts:
        sys.stderr.write(f"{printable_lines(text)}\n")


def notice(sentence: str) -> None:
    """One sentence beside what is printed."""
    to_stderr([printable(sentence)])


def document(value: Any) -> None:
    """A JSON document for a script, on one line; a terminal obeys nothing of it."""
    from bridge.decode import exact_json

    sys.stdout.write(printable_json(exact_json.text_of(value)) + "\n")


def result(for_a_script: Any, for_a_person: str, *, as_json: bool) -> None:
    """How a command ended, in one of two forms."""
    if as_json:
        document(for_a_script)
    else:
        line(for_a_person)


def fitted(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Rows for a `table` as wide as the terminal: the widest cells lose their middle. Elsewhere nothing is cut."""
    if not rows or not sys.stdout.isatty():
        return rows
    widths = tables.widths(rows)
    room = shutil.get_terminal_size().columns - len(tables.GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return [[tables.without_middle(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows]


def agreed(question: str, *, yes: bool, otherwise: str = "add --yes") -> bool:
    """Whether it was said before (``--yes``), or a person agrees on standard error: with "y" or "yes" only.

    Raises `Misuse` where nobody can be asked, with what to do `otherwise`, and `typer.Abort` where no answer comes.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misuse(f"There is no terminal to ask on: {otherwise}.")
    import typer

    sys.stderr.write(f"{printable_lines(question)} [y/N]: ")
    sys.stderr.flush()
    answer = sys.stdin.readline()  # Not `input`: it writes to standard output, which a script reads.
    if not answer:
        raise typer.Abort
    return answer.strip().lower() in {"y", "yes"}
