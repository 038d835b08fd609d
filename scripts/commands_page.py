"""The part of docs/commands.md that is made from the commands themselves: what each does, its examples, how it ends.

``python -m scripts.commands_page docs/commands.md`` writes it again; ``make docs`` does so too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bridge.cli.app import app
from bridge.cli.frame.help import about_of
from scripts.reference_tables import commands, refreshed

BLOCK = "commands"


def listed() -> str:
    """A section for each command, in the order of `--help`."""
    return "\n".join(_section(name, command) for name, command in commands(typer.main.get_command(app)))


def _section(name: str, command: Any) -> str:
    about = about_of(command)
    lines = [f"### `track-bridge {name}`", "", *_paragraphs(command.help or ""), "```sh"]
    for purpose, example in about.examples:
        lines += [f"# {purpose}"] if purpose else []
        lines += [f"track-bridge {example}"]
    lines += ["```", ""]
    lines += [f"Ends with 1: {about.findings}", ""] if about.findings else []
    lines += [f"Ends with 3: {about.unreachable}", ""] if about.unreachable else []
    return "\n".join(lines)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\b", "").strip()):
        yield " ".join(paragraph.split())
        yield ""


def main(path: Path) -> None:
    """Writes the page again."""
    path.write_text(refreshed(path.read_text(encoding="utf-8"), {BLOCK: listed()}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
