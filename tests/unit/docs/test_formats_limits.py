"""What docs/formats.md says that schemas and values have at most is what the code holds them to."""

from __future__ import annotations

from pathlib import Path

from bridge.config import named_files
from bridge.decode.avro.schema import MOST_BYTES, MOST_NODES, MOST_SYMBOLS
from bridge.decode.avro.weights import BYTES_OF_ONE, MOST_DEEP, MOST_NESTED, MOST_STRUCTURE
from bridge.decode.connect_types import BYTES_OF_ONE as BYTES_OF_ONE_SHOWN
from bridge.decode.connect_types import MOST_SHOWN
from bridge.decode.protobuf.reading.trees import FREE, PER_BYTE
from bridge.decode.protobuf.schema import sources
from bridge.decode.protobuf.wire import DEEPEST
from bridge.registry.outcomes import SCHEMA_LIMIT

PAGES = Path(__file__).parents[3] / "docs"
LIMITS = {
    "a schema from a registry with all that it refers to": f"{SCHEMA_LIMIT // 2**20} MiB",
    "an Avro schema with all that it refers to": (
        f"{MOST_BYTES:,} bytes, {MOST_NODES:,} types, {MOST_SYMBOLS:,} symbols of an enum, nested {MOST_NESTED} deep"
    ),
    "a Protobuf schema with all that it imports": f"{sources.LARGEST:,} characters",
    "`descriptor_set_file`": f"{named_files.LARGEST // 10**6} MB",
    "records of Avro in each other": f"{MOST_DEEP}",
    "messages of Protobuf in each other": f"{DEEPEST}",
    "items of a list or map of Avro": (
        f"{MOST_STRUCTURE:,}; more only in values of more than {MOST_STRUCTURE * BYTES_OF_ONE:,} bytes"
    ),
    "decimals, dates and times in JSON of Kafka Connect with its schema": (
        f"{MOST_SHOWN:,}; more only in values of more than {MOST_SHOWN * BYTES_OF_ONE_SHOWN:,} bytes"
    ),
    "memory that a Protobuf value takes": f"{FREE // 10**6} MB, and {PER_BYTE} bytes for each of its own",
}


def test_the_table_of_limits_has_the_numbers_of_the_code() -> None:
    section = (PAGES / "formats.md").read_text(encoding="utf-8").partition("\n## Limits\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    assert dict(rows) == LIMITS


def test_the_same_numbers_in_running_text_are_the_codes() -> None:
    text = " ".join((PAGES / "formats.md").read_text(encoding="utf-8").split())
    assert f"Records nested in each other are read {MOST_DEEP} deep" in text
    assert f"lists and maps hold {MOST_STRUCTURE:,} items" in text
    assert f"a message that is nested deeper than {DEEPEST}, or that would take more than {FREE // 10**6} MB" in text
