"""The section `lint`: what `check` and `test` point at, by code, and which of it is meant so.

Codes stay: one that is no longer found is still taken in a file.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section

CODES: Final[Mapping[str, str]] = {
    "TB101": "A condition can never be true",
    "TB102": "A condition is always true",
    "TB103": "A condition was true for none of many records",
    "TB104": "A rule is for a type that no topic has",
    "TB105": "A topic that is named is not read",
    "TB106": "Settings of a topic are never used",
    "TB107": "A route sends nothing",
    "TB108": "No sample has what a route reads",
    "TB109": "No sample has what must never be sent",
    "TB201": "A field with a personal name is sent",
    "TB202": "A value that looks personal is sent",
    "TB203": "The user id looks personal",
    "TB301": "There are nearly as many event names as the API keeps",
    "TB302": "A name is nearly as long as the API takes, or longer",
    "TB303": "There are nearly as many properties as the API takes",
    "TB304": "Metadata is nearly as large as may be sent",
    "TB305": "The limit of metadata is above what the API takes",
    "TB306": "Two event names are nearly the same",
    "TB307": "Several types become one event",
    "TB308": "Two metadata names are nearly the same",
    "TB401": "A rate limit is above what the API allows",
    "TB402": "Requests of one record draw several times on one budget",
    "TB403": "There is less room than requests may be on their way",
    "TB404": "Events grow too old before it is their turn",
    "TB405": "More arrives than may be sent",
    "TB501": "Events do not say when they occurred",
    "TB502": "Events do not say which one they are",
    "TB503": "What is wrong with a record is dropped without a word",
    "TB504": "No sample has the time that is read",
    "TB505": "No sample has the id that is read",
    "TB506": "A stop that protects the dead-letter topic is off",
    "TB601": "A secret is written in the file",
    "TB602": "A secret goes over plain HTTP",
    "TB603": "The Kafka password goes over the network in clear text",
    "TB701": "A setting is for nothing",
    "TB702": "An ignore fits no finding",
}
"""Every code there ever was, with what it says; docs/lint.md has a part for each."""


def _code(value: Any) -> str:
    if not isinstance(value, str) or value not in CODES:
        raise ValueError(f"must be a code of docs/lint.md, such as TB201, not {scalars.shown(value)}")
    return str(value)


LintCode = Annotated[
    str,
    BeforeValidator(_code),
    WithJsonSchema(
        {"type": "string", "enum": list(CODES), "enumDescriptions": [f"{meaning}." for meaning in CODES.values()]}
    ),
]


class IgnoredFinding(Section):
    """A finding that is meant so."""

    code: LintCode = Field(description="The code of the finding.", examples=["TB201"])
    where: fields.Name = Field(
        description="The key it is at, or one above that: all findings of the code beneath it.",
        examples=["mapping.events.order.completed"],
    )
    reason: fields.Name = Field(
        description="Why it is meant so, for whoever reads the file next.",
        examples=["the shop's address, not the customer's"],
    )


class LintSettings(Section):
    """What `check` and `test` point at, and what of it is meant so. A running bridge does not look at it."""

    ignore: tuple[IgnoredFinding, ...] = Field(
        default=(),
        description="Findings that are not said. One that fits no finding is a finding itself.",
        examples=[[{"code": "TB201", "where": "mapping.events.order.completed", "reason": "a shop's address"}]],
    )
