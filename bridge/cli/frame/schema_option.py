"""The option ``--schema`` of every command that reads records."""

from __future__ import annotations

from typing import Annotated

import typer

SchemaFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--schema",
        metavar="ID=FILE",
        show_default=False,
        help="The schema of records that name this id, in place of the registry's: 42=orders.avsc, or a GUID for 42. "
        "May be given several times.",
    ),
]
