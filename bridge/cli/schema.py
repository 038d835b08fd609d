"""``track-bridge schema``"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame import completion, output
from bridge.cli.frame.help import about
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text import tables

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SUFFIX = ".schema.json"


@about(
    ("The schema of bridge.yaml, for an editor", "schema > bridge.schema.json"),
    ("Which others there are", "schema --list"),
)
def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            show_default=False,
            autocompletion=completion.schemas,
            help="bridge (left out), or one that --list shows.",
        ),
    ] = "bridge",
    list_: Annotated[bool, typer.Option("--list", help="The names of all schemas and what each describes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list: one JSON document. A schema is JSON.")] = False,
) -> ExitCode:
    """Print a JSON Schema: of bridge.yaml, or one of --list."""
    found = _schemas()
    if list_:
        rows = [(known, json.loads(file.read_text("utf-8")).get("title", "")) for known, file in found.items()]
        if as_json:
            output.document({"schemas": [{"name": known, "title": title} for known, title in rows]})
        else:
            output.lines(tables.table(rows))
        return ExitCode.OK
    output.line(found[_chosen(name, list(found))].read_text("utf-8").rstrip("\n"))
    return ExitCode.OK


def _chosen(name: str, known: list[str]) -> str:
    """The schema of this name, or the only one whose name begins with it."""
    if name in known:
        return name
    beginning = [each for each in known if each.startswith(name)]
    if len(beginning) != 1:
        raise Misuse(f"There is no schema named {name}; there are: {', '.join(known)}.")
    return beginning[0]


def _schemas() -> dict[str, Traversable]:
    from importlib.resources import files

    folder = files("bridge").joinpath("schemas")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    return {name.removesuffix(_SUFFIX): folder.joinpath(name) for name in names}
