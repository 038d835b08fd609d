"""The option ``--strict`` of every command that shows what lint points at."""

from __future__ import annotations

from typing import Annotated

import typer

Strict = Annotated[bool, typer.Option("--strict", help="End with 1 where lint has a finding (docs/lint.md).")]
