"""What commands print: plain lines everywhere, with colour only where a person watches."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, TextIO

from bridge import commands
from bridge.errors import Misuse
from bridge.text import paragraphs, tables
from bridge.text.printable import printable, printable_json, printable_lines

_NARROWEST = 9
"""Columns are cut no further: what is left of them must still be told apart."""
_WIDEST: Final = 100
"""Columns: longer lines of prose are hard to read, however wide the terminal is."""
_DOCUMENT: Final = re.compile(r"\s*(\{|\[\{|\[\])")
_QUOTED: Final = re.compile(r"`[^`]*`")


def prose_width(stream: TextIO | None = None) -> int:
    """How wide a text is broken that is always broken, as init's is: the terminal, at most 100 columns."""
    return paragraphs.width(stream or sys.stdout, otherwise=_WIDEST, most=_WIDEST)


def told(text: str, stream: TextIO, *, whole_documents: bool = True) -> str:
    """Lines for a stream: broken between words where it is a terminal, and as they are for a file or a pipe.

    A line that somebody copies, a document or a command, is never broken.
    """
    text = printable_lines(text)
    if not stream.isatty():
        return text
    room = paragraphs.width(stream, otherwise=_WIDEST)
    broken = (
        [each] if _is_copied(each, whole_documents=whole_documents) else paragraphs.wrapped(each, room)
        for each in text.split("\n")
    )
    return "\n".join(each for several in broken for each in several)


def _is_copied(text: str, *, whole_documents: bool) -> bool:
    bare = _QUOTED.sub("", text)
    is_command = f"{commands.invocation().program} " in bare or "kubectl exec " in bare
    return is_command or (whole_documents and _DOCUMENT.match(text) is not None)


def line(text: str = "", style: str | None = None) -> None:
    """One line on standard output. A terminal obeys nothing of it, whatever came from outside.

    Only `text.printable` keeps such a text from having lines of its own: it must have gone through it before.
    A terminal that is narrower breaks it between words.
    """
    _write(told(text, sys.stdout), style)


def exactly(texts: Iterable[str]) -> None:
    """Lines that are to stay as they are, however narrow the terminal: a difference, a request as it is sent."""
    for text in texts:
        _write(printable_lines(text), None)


def samples(texts: Iterable[str]) -> None:
    """Lines that nobody copies: documents in them are broken, too."""
    for text in texts:
        _write(told(text, sys.stdout, whole_documents=False), None)


def _write(text: str, style: str | None) -> None:
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
        sys.stderr.write(f"{told(text, sys.stderr)}\n")


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
    room = paragraphs.width(sys.stdout, otherwise=_WIDEST) - len(tables.GAP) * (len(widths) - 1)
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

    sys.stderr.write(f"{told(f'{question} [y/N]:', sys.stderr)} ")
    sys.stderr.flush()
    answer = sys.stdin.readline()  # Not `input`: it writes to standard output, which a script reads.
    if not answer:
        raise typer.Abort
    return answer.strip().lower() in {"y", "yes"}
