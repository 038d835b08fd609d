from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

from bridge.config.mapping_section import MappingConfig, ValueFormat
from bridge.decode.decoders import DECODERS
from bridge.decode.failures import undecodable
from bridge.decode.protocol import (
    NO_SCHEMAS,
    Attributes,
    Decode,
    DecodedRecord,
    Decoder,
    DecodeSettings,
    FormatSettings,
    NoSchema,
    Schema,
    Schemas,
)
from bridge.mapping.compile import compile_mapping
from bridge.mapping.findings import Findings
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.coverage import Coverage
from bridge.mapping.review.explain import explain
from bridge.mapping.rules import compile_rules
from bridge.mapping.settings import MappedTopicSettings, compile_settings
from bridge.model import Failed, LetterReason, Record, Request, SchemaNeeded

ROOT: Final = Path(__file__).resolve().parents[3]
NAMES: Final = get_args(ValueFormat)


def test_every_format_of_the_configuration_has_one_decoder_and_no_decoder_is_out_of_reach() -> None:
    assert tuple(DECODERS) == NAMES


def test_the_page_about_formats_and_the_example_name_every_format() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").partition("## What the bytes may be")[2]
    paragraph = page.strip().partition("\n\n")[0]
    example = (ROOT / "bridge.example.yaml").read_text(encoding="utf-8")

    assert [name for name in NAMES if f"`{name}`" not in paragraph and f"`decode: {name}`" not in paragraph] == []
    assert f"# {' | '.join(NAMES)}\n" in example


def words(_format: FormatSettings, schemas: Schemas) -> Decode:
    """Words without names, ``7: u-1 paid``: the schema before the colon says what each is called."""

    def decode(
        record: Record, _attributes: Attributes | None, _settings: DecodeSettings, /
    ) -> DecodedRecord | SchemaNeeded:
        reference, _, rest = (record.value or b"").decode().partition(": ")
        schema = schemas.get(reference)
        if schema is None:
            return SchemaNeeded(reference)
        if isinstance(schema, NoSchema):
            raise undecodable(schema.why)
        names, texts = schema.text.split(), rest.split()
        if len(names) != len(texts):
            raise undecodable(f"the value has {len(texts)} words; the schema {reference} has {len(names)}")
        return dict(zip(names, texts, strict=True))

    return decode


def of_words(text: str) -> Schema:
    return Schema("json", text)


CONFIG = MappingConfig.model_validate(
    {
        "event_type": "type",
        "user_id": "user",
        "never_send": ["email"],
        "events": {"paid": {"event_name": "Paid", "metadata": {"mail": "email", "note": "note"}}},
    }
)
RECORD = Record("shop", 0, 5, 1_767_323_045_000, None, b"7: paid u-1 a@b.example hello", ())


def mapping(schemas: Schemas) -> CompiledMapping:
    findings = Findings()
    settings = replace(
        compile_settings(CONFIG, findings).base, decoder=Decoder(words, lambda _attributes, _value: "words")
    )
    return CompiledMapping(MappedTopicSettings(settings, {}, ()), compile_rules(CONFIG, findings), schemas)


def test_a_record_is_decoded_with_a_schema_that_is_known() -> None:
    known = mapping({"7": of_words("type user email note")})

    (request,) = known.map(RECORD, 1_767_323_045)

    assert isinstance(request, Request)
    assert request.user_id == "u-1"
    assert b'"note":"hello"' in request.body
    assert b"a@b.example" not in request.body, "never_send holds for every format"
    assert explain(known, RECORD, 1_767_323_045).form == "words"


def test_without_a_registry_a_record_that_needs_a_schema_is_a_dead_letter_that_names_it() -> None:
    unknown = mapping(NO_SCHEMAS)

    (outcome,) = unknown.map(RECORD, 1_767_323_045)

    assert isinstance(outcome, Failed)
    assert outcome.reason is LetterReason.UNDECODABLE
    assert outcome.message == "the value needs the schema 7 to be decoded, and no schema_registry is configured"
    explanation = explain(unknown, RECORD, 1_767_323_045)
    assert (explanation.form, explanation.looks[0].detail) == (None, outcome.message)
    seen = Coverage(unknown)
    seen.add(RECORD, (outcome,))
    assert not seen.routes


def test_a_schema_that_becomes_known_later_serves_the_records_that_come_then() -> None:
    schemas: dict[str, Schema | NoSchema] = {}
    learning = mapping(schemas)

    assert learning.map(RECORD, 1_767_323_045) == (SchemaNeeded("7"),)
    assert explain(learning, RECORD, 1_767_323_045).looks[0].result == "schema_needed"
    schemas["7"] = of_words("type user email note")
    assert isinstance(learning.map(RECORD, 1_767_323_045)[0], Request)


def test_bytes_that_do_not_fit_their_schema_are_undecodable() -> None:
    (outcome,) = mapping({"7": of_words("type user")}).map(RECORD, 1_767_323_045)

    assert isinstance(outcome, Failed)
    assert outcome.message == "the value has 4 words; the schema 7 has 2"


def test_a_mapping_as_it_is_configured_knows_no_schemas() -> None:
    compiled = compile_mapping(CONFIG)

    assert isinstance(compiled, CompiledMapping)
    assert isinstance(compiled.map(RECORD, 1_767_323_045)[0], Failed)
