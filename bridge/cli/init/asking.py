"""Questions on a terminal. Each has a default that Enter takes, and fits in 60 columns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from textwrap import wrap

from bridge.cli.frame import output
from bridge.text.printable import printable, printable_lines

Check = Callable[[str], str | None]
"""What is wrong with an answer, as a sentence; None where nothing is."""


def say(text: str = "", indent: int = 0) -> None:
    """A paragraph as wide as the terminal, on standard error, where questions are, too."""
    margin = " " * indent
    width = output.prose_width(sys.stderr) - 1
    lines = wrap(printable(text), width - indent, break_on_hyphens=False, break_long_words=False) or [""]
    sys.stderr.write("".join(f"{margin}{line}\n".rstrip(" ") for line in lines))


def ask(question: str, default: str, check: Check | None = None) -> str:
    """An answer without blanks around it. Raises `typer.Abort` where none comes."""
    import typer

    while True:
        say(question)
        sys.stderr.write(f"{printable_lines(f'  [{default}]: ')}")
        sys.stderr.flush()
        try:
            answer = sys.stdin.readline()
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # the shell's prompt begins a line
            raise
        if not answer:
            sys.stderr.write("\n")
            raise typer.Abort
        text = answer.strip() or default
        wrong = None if check is None else check(text)
        if wrong is None:
            return text
        say(wrong, 2)


def agreed(question: str, *, default: bool) -> bool:
    """Yes or no."""
    shown = "Y/n" if default else "y/N"
    answer = ask(
        question, shown, lambda text: None if text.lower() in {shown.lower(), "y", "yes", "n", "no"} else "y or n."
    )
    return default if answer.lower() == shown.lower() else answer.lower() in {"y", "yes"}
