"""What records show a mapping not to mean, although it is taken: said by `track-bridge map`, `test` and `check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from bridge.config.events.example_section import ExampleConfig
from bridge.mapping.expressions.absence import Absence
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.coverage import FOR_ALL, Coverage, Verdicts
from bridge.mapping.review.examples import example_record
from bridge.text.amounts import thousands


@dataclass(frozen=True, slots=True)
class Caution:
    """One thing that is perhaps not meant."""

    what: str
    """One sentence."""
    to_do: str


def cautions(seen: Coverage) -> list[Caution]:
    """Of many records or of one."""
    return list(
        dict.fromkeys(
            [
                *_framed(seen),
                *_texts_of_json(seen),
                *_shadowed(seen),
                *_in_longer_expressions(seen),
                *_in_quotes(seen),
                *_in_another_unit(seen),
                *_decided_by_absence(seen),
            ]
        )
    )


def of_examples(mapping: CompiledMapping, examples: Sequence[ExampleConfig]) -> list[list[Caution]]:
    """Of each example's record."""
    return [_of_example(mapping, example) for example in examples]


def _of_example(mapping: CompiledMapping, example: ExampleConfig) -> list[Caution]:
    seen, record = Coverage(mapping), example_record(example)
    seen.add(record, mapping.map_all(record, nan if example.now is None else example.now))
    return cautions(seen)


def _framed(seen: Coverage) -> Iterator[Caution]:
    for place in seen.framed.values():
        language = place.language.capitalize()
        given, named = place.reference.removeprefix("id:").removeprefix("guid:"), place.reference.replace(":", " ")
        yield Caution(
            f"{place.topic}: values are {language} of schema {named}, and decode reads JSON.",
            f"set mapping.decode: {place.language}, here or under per_topic, and schema_registry; "
            f"--schema {given}=FILE tries it without a registry",
        )


def _texts_of_json(seen: Coverage) -> Iterator[Caution]:
    """As Spring and Connect's JsonConverter write them."""
    for (topic, text), number in seen.quoted_types.items():
        yield Caution(
            f"{topic}: event_type: {text} is a JSON text in quotes in {_in(number)}, and what is in the quotes has a "
            "rule.",
            "unwrap: connect takes the quotes off headers",
        )
    for topic, number in seen.quoted_keys.items():
        if number:
            yield Caution(
                f"{topic}: user_id: key is a JSON text in quotes in {_in(number)}, and the quotes are part of the "
                "user's id.",
                "key: json takes the quotes off, in mapping or under per_topic",
            )


def _in(number: int) -> str:
    return "1 record" if number == 1 else f"{thousands(number)} records"


def _shadowed(seen: Coverage) -> Iterator[Caution]:
    for place, word in seen.of_kafka.items():
        if word.own:
            yield Caution(
                f"{place.where}: {place.word} is Kafka's {place.word}, and {_of(word.own, word.asked)} a field of that "
                "name, which is not read.",
                f"to read the field write '\"{place.word}\"'",
            )


_KAFKAS: Final = {
    "key": "for Kafka's key write key alone, or key:PATH",
    "topic": "for Kafka's topic write topic alone as a value; to choose by it, the route's topics, or per_topic",
    "timestamp": "for Kafka's timestamp write timestamp alone",
}


def _in_longer_expressions(seen: Coverage) -> Iterator[Caution]:
    for place, word in seen.of_the_value.items():
        if not word.own:
            yield Caution(
                f"{place.where}: {place.word} in {place.text} is a field of the record's value, and "
                f"{_of(0, word.asked)} it.",
                _KAFKAS[place.word],
            )


def _in_quotes(seen: Coverage) -> Iterator[Caution]:
    for place, word in seen.quoted.items():
        if not word.own:
            yield Caution(
                f'{place.where}: "{place.word}" in {place.text} is a field of the record\'s value, and '
                f"{_of(0, word.asked)} it.",
                f"if the text is meant write '{place.word}', in single quotes",
            )


def _in_another_unit(seen: Coverage) -> Iterator[Caution]:
    for place, unit in seen.units.items():
        for other, number in unit.likelier.items():
            yield Caution(
                f"{place.where}: {place.text} counted in {place.unit} is a time of the seventies or none at all in "
                f"{_records(number, unit.numbers)}; counted in {other} it is one of this century.",
                f"write unit: {other} if that is what it counts",
            )


def _decided_by_absence(seen: Coverage) -> Iterator[Caution]:
    for verdicts in seen.conditions.values():
        for absence, number in verdicts.absences.items():
            # That a field is missing in some records is what a comparison with a text is mostly there for.
            if not absence.is_with_literal or 1 < number == verdicts.total:
                yield _absent(verdicts, absence, number)


def _absent(verdicts: Verdicts, absence: Absence, number: int) -> Caution:
    whose = "mapping.when" if verdicts.route == FOR_ALL else f"{verdicts.route}: when"
    result = "true" if absence.result else "false"
    records = _records(number, verdicts.total)
    what = f"{whose}: {absence.comparison} is {result} in {records} only because {absence.absent} is missing or null."
    if absence.is_with_literal:
        return Caution(what, f"see whether {absence.absent} is where the records have it")
    if absence.is_word and number == verdicts.total:
        return Caution(what, f"if the text is meant write '{absence.absent}', in single quotes")
    whole = f"({verdicts.text})" if "||" in verdicts.text else verdicts.text
    guard = f"{absence.absent} != `null` && {whole}"
    source = (
        "; where before comes from Debezium, REPLICA IDENTITY FULL has it in every change, and changed('…') asks for it"
        if absence.absent.split(".")[0] == "before"
        else ""
    )
    return Caution(what, f"to leave such records out write {guard}{source}")


def _of(number: int, total: int) -> str:
    if total == 1:
        return "the record has" if number else "the record does not have"
    return (
        f"{thousands(number)} of {thousands(total)} records have"
        if number
        else f"none of {thousands(total)} records has"
    )


def _records(number: int, total: int) -> str:
    return "this record" if total == 1 else f"{thousands(number)} of {thousands(total)} records"
