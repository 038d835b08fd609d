"""The table of values in the chart's README."""

from __future__ import annotations

import json
from typing import Any

from scripts.chart.comments import Documented, documented

BEGIN, END = "<!-- begin values -->", "<!-- end values -->"


def with_values(page: str, values: str) -> str:
    """The page with its table generated. Raises `ValueError` for a value without a comment."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"the chart's README needs one line {BEGIN} and one {END}")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{_table(documented(values))}\n{END}{rest.split(END)[1]}"


def _table(found: list[Documented]) -> str:
    rows = ["| value | type | default | meaning |", "| --- | --- | --- | --- |"]
    described: list[tuple[str, ...]] = []
    for each in found:
        beneath = any(each.path[: len(path)] == path for path in described)
        if each.text:
            described.append(each.path)
            rows.append(f"| `{each.name}` | {_type(each)} | {_default(each)} | {_cell(each.text)} |")
        elif not beneath and not (isinstance(each.default, dict) and each.default):
            raise ValueError(f"values.yaml: {each.name} has no comment that begins with # --")
    return "\n".join(rows)


def _type(each: Documented) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "bool"),
        (int, "int"),
        (str, "string"),
        (list, "list"),
        (dict, "object"),
    )
    return each.type or next((name for kind, name in kinds if isinstance(each.default, kind)), "any")


def _default(each: Documented) -> str:
    return each.shown if each.shown is not None else f"`{_cell(_json(each.default))}`"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
