"""The fuzzer's targets by name: each takes bytes and raises only where a promise is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.fuzz import answers, avro, commits, configuration, foreign, letters, probes, protobuf, records

CORPUS: Final = Path(__file__).parents[1] / "unit" / "fuzz" / "corpus"
"""Found cases, and inputs that lead far in: a folder for each target, replayed by the ordinary test run."""

TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "records": records.fuzz,
    "avro": avro.fuzz,
    "answers": answers.fuzz,
    "commits": commits.fuzz,
    "letters": letters.fuzz,
    "foreign": foreign.fuzz,
    "configuration": configuration.fuzz,
    "probes": probes.fuzz,
    "protobuf": protobuf.fuzz,
}
