"""What every ``--help`` ends with: examples to copy, and the exit codes that this very command may end with.

Both are said where the command is, by `about`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from typer.core import TyperCommand, TyperGroup

from bridge import exits

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

    from bridge.exits import ExitCode

_ABOUT: Final = "about"
Function = TypeVar("Function", bound=Callable[..., Any])
Example = tuple[str, str]
"""What it does, and the command line without the program's name: at most 72 characters, since a line that is wrapped
cannot be copied.
"""


@dataclass(frozen=True, slots=True)
class About:
    """What a command's help and the operator's page say of it, beside its options."""

    examples: Sequence[Example] = ()
    findings: str | None = None
    """What the exit code 1 means; None: the command does not end with it."""
    unreachable: str | None = None
    """What 3 means; None: as well."""


def about(
    *examples: Example, findings: str | None = None, unreachable: str | None = None
) -> Callable[[Function], Function]:
    """Says so of the function that is the command, or the callback of a group: see `About`."""

    def say(function: Function) -> Function:
        function.__dict__[_ABOUT] = About(examples, findings, unreachable)
        return function

    return say


def about_of(command: Any) -> About:
    """What was said of a command or a group."""
    said: About = getattr(command.callback, _ABOUT, About())  # Typer wraps the function and keeps its attributes.
    return said


class Command(TyperCommand):
    """A command whose help has both."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Called by the parser. Arguments without the names of Python's types, which say nothing to who types them."""
        records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is not None:
                records[each.param_type_name].append((record[0].partition(" <")[0], record[1]))
        for kind, rows in records.items():
            if rows:
                with formatter.section(f"{kind.capitalize()}s"):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Called by the parser after the options."""
        said = about_of(self)
        _ends(ctx, formatter, exits.of(said.findings, said.unreachable))


class HelpGroup(TyperGroup):
    """The same for a group of commands: every code, in its general meaning."""

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Called by the parser after the commands."""
        _ends(ctx, formatter, exits.general())


def _ends(ctx: Context, formatter: HelpFormatter, codes: Mapping[ExitCode, str]) -> None:
    program = ctx.find_root().info_name or "track-bridge"
    with formatter.section("Examples"):
        for purpose, command in about_of(ctx.command).examples:
            indent = " " * formatter.current_indent
            formatter.write(f"{indent}# {purpose}\n" if purpose else "")
            formatter.write(f"{indent}{program} {command}\n")
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(int(code)), text.replace("`", "")) for code, text in codes.items()])
