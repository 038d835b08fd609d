"""schemas/track-request.schema.json against the documented request, the mapping's output and the emulated API."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.config import load
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import run_examples
from bridge.model import Request
from bridge.sandbox.emulator.contract import Event, read_event

EXAMPLE = Path(__file__).parents[3] / "bridge.example.yaml"
DOCUMENTED = [
    # the curl example of the documentation, by hand
    (
        '{"user_id": "unique_user_id", "event_name": "user_subscribed", '
        '"metadata": {"plan": "free", "created_at": "1519205055"}}'
    ),
    # the example of the OpenAPI description, shortened
    (
        '{"user_id": "user_789456", "event_name": "schedule_appointment", '
        '"metadata": {"appointment_date": "2024-02-01T10:00:00Z", "appointment_status": "confirmed"}}'
    ),
    '{"user_id": "u-1", "event_name": "Logged out"}',
    '{"user_id": "u-1", "event_name": "Order", "metadata": {"amount": 1.5, "count": 3, "gift": true}}',
]
FORBIDDEN = [
    "{}",
    "[]",
    '{"event_name": "a"}',
    '{"user_id": "u"}',
    '{"user_id": "", "event_name": "a"}',
    '{"user_id": "  ", "event_name": "a"}',
    '{"user_id": 7, "event_name": "a"}',
    '{"user_id": null, "event_name": "a"}',
    '{"user_id": "u", "event_name": ""}',
    '{"user_id": "u", "event_name": "a", "metadata": []}',
    '{"user_id": "u", "event_name": "a", "metadata": null}',
    '{"user_id": "u", "event_name": "a", "metadata": {"x": null}}',
    '{"user_id": "u", "event_name": "a", "metadata": {"x": {"y": 1}}}',
    '{"user_id": "u", "event_name": "a", "metadata": {"x": [1]}}',
    '{"user_id": "u", "event_name": "a", "metadata": {"": 1}}',
    '{"user_id": "u", "event_name": "a", "company": {"id": "c"}}',
    '{"userId": "u", "event": "a"}',
]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    text = resources.files("bridge").joinpath("schemas", "track-request.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("body", DOCUMENTED)
def test_the_documented_requests_are_of_the_schema(validator: jsonschema.Draft202012Validator, body: str) -> None:
    validator.validate(json.loads(body))


@pytest.mark.parametrize("body", FORBIDDEN)
def test_what_the_api_does_not_document_is_not(validator: jsonschema.Draft202012Validator, body: str) -> None:
    assert not validator.is_valid(json.loads(body))


@pytest.mark.parametrize("body", DOCUMENTED + FORBIDDEN)
def test_the_emulated_api_and_the_schema_agree(validator: jsonschema.Draft202012Validator, body: str) -> None:
    assert isinstance(read_event(body.encode()), Event) == validator.is_valid(json.loads(body))


def test_the_schemas_own_examples_are_of_it(validator: jsonschema.Draft202012Validator) -> None:
    assert isinstance(validator.schema, dict)
    for example in validator.schema["examples"]:
        validator.validate(example)


def test_every_request_of_the_commented_example_is_of_the_schema(validator: jsonschema.Draft202012Validator) -> None:
    loaded = load.read(EXAMPLE, {"USERPILOT_ENDPOINT": "https://analytex.userpilot.io", "USERPILOT_API_KEY": "NX-1"})
    assert loaded.mapping is not None
    mapping = compile_mapping(loaded.mapping)
    assert isinstance(mapping, CompiledMapping)
    requests = [
        outcome
        for result in run_examples(mapping, loaded.mapping.examples)
        for outcome in result.outcomes
        if isinstance(outcome, Request)
    ]
    assert requests
    for request in requests:
        validator.validate(json.loads(request.body))
