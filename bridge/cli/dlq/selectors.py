"""The options by which every verb selects letters, defined once."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.frame import completion, help  # noqa: A004 - named as what it shows

if TYPE_CHECKING:
    from typer._click import Context, Parameter

    from bridge.reprocess.reading.selection import Selection


Many = list[str] | None
_OFTEN = " May be given several times."


# --- the options ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SelectorOptions:
    """What was typed; `selection` makes sense of it."""

    reason: Annotated[
        Many,
        typer.Option(
            metavar="REASON",
            show_default=False,
            autocompletion=completion.reasons,
            help="undecodable, unmappable, invalid, rejected, unauthorized, expired, retries_exhausted or too_large; "
            "of other programs' dead letters, the exception's class." + _OFTEN,
        ),
    ] = None
    status: Annotated[
        list[int] | None,
        typer.Option(
            metavar="CODE",
            min=100,
            max=599,
            show_default=False,
            autocompletion=completion.statuses,
            help="The API's last answer." + _OFTEN,
        ),
    ] = None
    route: Annotated[
        Many,
        typer.Option(
            metavar="ROUTE",
            show_default=False,
            autocompletion=completion.routes,
            help="Route of the mapping." + _OFTEN,
        ),
    ] = None
    kind: Annotated[
        Many,
        typer.Option(
            metavar="KIND",
            show_default=False,
            autocompletion=completion.kinds,
            help="Kind of the request that failed: track, identify or company." + _OFTEN,
        ),
    ] = None
    type: Annotated[
        Many,
        typer.Option(
            metavar="TYPE",
            show_default=False,
            autocompletion=completion.types,
            help="Event type, as the present mapping reads it." + _OFTEN,
        ),
    ] = None
    user: Annotated[
        Many,
        typer.Option(metavar="ID", show_default=False, help="User, as the present mapping finds it." + _OFTEN),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|AGE",
            show_default=False,
            help="Dead letters written at or after this time (2026-01-31T00:00:00Z), or since this long ago (24h).",
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|AGE",
            show_default=False,
            help="Dead letters written before this time, or longer ago than this.",
        ),
    ] = None
    origin: Annotated[
        Many,
        typer.Option(
            metavar="TOPIC[:P[:OFFSETS]]",
            show_default=False,
            autocompletion=completion.topics,
            help="Where the records came from; OFFSETS is 17, 17-90, 17- or -90." + _OFTEN,
        ),
    ] = None
    route_hash: Annotated[
        Many,
        typer.Option(metavar="HASH", show_default=False, help="State of the route that made the request." + _OFTEN),
    ] = None
    match: Annotated[
        str | None,
        typer.Option(metavar="JMESPATH", show_default=False, help="A condition on the record's decoded value."),
    ] = None
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, show_default=False, help="At most N dead letters: the oldest.")
    ] = None

    def selection(self, group: str | None, *, ids: tuple[str, ...] = (), with_ended: bool = False) -> Selection:
        """Raises `Misuse` for what cannot be understood. `group` None: of all groups."""
        from bridge.reprocess.reading.wanted import WantedLetters

        given: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                given[each.name] = tuple(value) if isinstance(value, list) else value
        return WantedLetters(**given).selection(group, ids=ids, with_ended=with_ended)


class SelectingCommand(help.Command):
    """A command with the selectors behind options of its own; `asked` tells it what was typed."""

    def __init__(self, *arguments: Any, params: list[Parameter], **settings: Any) -> None:
        super().__init__(*arguments, params=[*params, *_parameters()], **settings)

    def invoke(self, ctx: Context) -> Any:
        """Called by the parser: the command's function takes its own options only."""
        ctx.obj = SelectorOptions(**{each.name: ctx.params.pop(each.name) for each in fields(SelectorOptions)})
        return super().invoke(ctx)


def asked(ctx: typer.Context) -> SelectorOptions:
    """Of a `SelectingCommand`."""
    options: SelectorOptions = ctx.obj
    return options


@functools.cache
def _parameters() -> list[Parameter]:
    """As Typer has them: to it the dataclass is a command like any other."""
    app = typer.Typer(add_completion=False)
    app.command()(SelectorOptions)
    return typer.main.get_command(app).params
