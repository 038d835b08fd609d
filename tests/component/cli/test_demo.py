"""`track-bridge demo` as a stranger runs it: in JSON and in Avro every record is accounted for, in order, once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from scripts.pictures import capture
from tests.component.cli.conftest import Cli

pytestmark = pytest.mark.slow(reason="runs the whole demo in JSON and in Avro", seconds=29)


async def test_the_demo_comes_to_the_same_in_json_and_in_avro_behind_a_registry_that_is_down_at_first(cli: Cli) -> None:
    plain, avro = await asyncio.gather(cli("demo", "--json"), cli("demo", "--json", "--avro"))

    assert (plain.code, avro.code) == (0, 0), plain.out + avro.out
    assert counted(json.loads(plain.out)) == counted(json.loads(avro.out))
    assert of_a_run(json.loads(plain.out)) == capture.counted(capture.TEXT.read_text(encoding="utf-8")), (
        "README.md shows another run: python -m scripts.pictures.capture, then make docs"
    )


def counted(result: dict[str, Any]) -> dict[str, Any]:
    """All that is no time."""
    return {name: value for name, value in result.items() if name != "seconds"}


def of_a_run(result: dict[str, Any]) -> dict[str, int]:
    """The numbers that the picture of a run in README.md ends with."""
    return {
        "consumed": result["consumed"],
        "delivered": result["delivered"],
        **{f"filtered, {reason}": number for reason, number in result["filtered"].items()},
        "dead-lettered": result["dead_lettered"],
        "unaccounted for": result["gap"],
    }
