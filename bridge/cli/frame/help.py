"""What every ``--help`` ends with: examples to copy, and the exit codes that this very command may end with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

from bridge import exits
from bridge.cli.frame.examples import EXAMPLES

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

    from bridge.exits import ExitCode


class Command(TyperCommand):
    """A command whose help has both; its examples are in `examples.EXAMPLES`, its codes in `bridge.exits`."""

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
        _ends(ctx, formatter, exits.of(_name(ctx)))


class HelpGroup(TyperGroup):
    """The same for a group of commands: every code, in its general meaning."""

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Called by the parser after the commands."""
        _ends(ctx, formatter, exits.general())


def _ends(ctx: Context, formatter: HelpFormatter, codes: Mapping[ExitCode, str]) -> None:
    program = ctx.find_root().info_name or "bridge"
    with formatter.section("Examples"):
        for purpose, command in EXAMPLES.get(_name(ctx), ()):
            indent = " " * formatter.current_indent
            formatter.write(f"{indent}# {purpose}\n" if purpose else "")
            formatter.write(f"{indent}{program} {command}\n")
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(int(code)), text.replace("`", "")) for code, text in codes.items()])


def _name(ctx: Context) -> str:
    """As it is typed after the program's name."""
    names: list[str] = []
    while ctx.parent is not None:
        names.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(names)
