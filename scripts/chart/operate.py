"""The shell words of docs/runbook.md, from the file that the chart's notes print them from."""

from __future__ import annotations

from collections.abc import Mapping

BEGIN, END = "<!-- begin kubernetes -->", "<!-- end kubernetes -->"

EXAMPLE: Mapping[str, str] = {
    "namespace": "events",
    "kind": "deployment",
    "fullname": "shop-track-bridge",
    "name": "track-bridge",
    "release": "shop",
}
"""What the chart calls everything in a release `shop` in the namespace `events`, with values that change no name."""


def with_words(page: str, source: str) -> str:
    """The page with its block written again. Raises `ValueError` where it has no place for it."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"the runbook needs one line {BEGIN} and one {END}")
    for name, value in EXAMPLE.items():
        source = source.replace(f"@{name}@", value)
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n```sh kubernetes\n{source}```\n{END}{rest.split(END)[1]}"
