"""Who asks the API nothing needs neither its address nor its key; everybody else is told which variable is not set."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.load import Loaded, read

FILE = """\
kafka: {bootstrap_servers: "k:9092", group_id: g, topics: [crm.people]}
track:
  endpoint: ENDPOINT
  KEY
dead_letter: {topic: g.dlq}
mapping: {event_type: kind, user_id: who, events: {signup: {event_name: Signed Up}}}
"""
UNSET = "the environment variable NOPE is not set; set it, or write ${NOPE:-default}"


def loaded(
    folder: Path, endpoint: str, key: str, *, environ: dict[str, str] | None = None, reaches_api: bool = False
) -> Loaded:
    path = folder / "bridge.yaml"
    path.write_text(FILE.replace("ENDPOINT", endpoint).replace("KEY", key))
    return read(path, environ or {}, reaches_api=reaches_api)


@pytest.mark.parametrize("endpoint", ["${NOPE}", "https://${NOPE}/v1"])
@pytest.mark.parametrize("key", ["api_key: ${NOPE}", "api_key_file: ${NOPE}/key"])
def test_an_unset_endpoint_and_key_are_needed_by_who_asks_the_api_alone(
    tmp_path: Path, endpoint: str, key: str
) -> None:
    found = loaded(tmp_path, endpoint, key)
    assert found.problems == ()
    assert found.config is not None
    assert found.config.track.endpoint == "https://userpilot-endpoint.invalid"
    assert (found.config.track.api_key, found.config.track.api_key_file) == (None, None)
    refused = loaded(tmp_path, endpoint, key, reaches_api=True)
    assert [(each.where, each.message) for each in refused.problems] == [
        ("track.endpoint", UNSET),
        (f"track.{key.partition(':')[0]}", UNSET),
    ]


def test_what_is_set_is_read_and_judged_as_ever(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "${HERE}", "api_key: ${KEY}", environ={"HERE": "http://127.0.0.1:8080", "KEY": "NX-made-up"}
    )
    assert found.config is not None
    assert found.config.track.endpoint == "http://127.0.0.1:8080"
    wrong = loaded(tmp_path, "${HERE}", "api_key: ${KEY}", environ={"HERE": "ftp://127.0.0.1", "KEY": "NX-made-up"})
    assert [each.where for each in wrong.problems] == ["track.endpoint"]


@pytest.mark.parametrize(
    ("endpoint", "key", "where"),
    [
        ("https://analytex.userpilot.io", "timeout: 5s", "track.api_key_file"),
        ("https://analytex.userpilot.io", "api_key: ${file:/nowhere/key}", "track.api_key"),
        ("${NOPE", "api_key: NX-made-up", "track.endpoint"),
        ("${NOPE}", "api_key: NX-made-up\n  ca_file: ${NOPE}", "track.ca_file"),
    ],
    ids=["no key at all", "a file that is not there", "no reference", "another key"],
)
def test_anything_else_that_is_missing_is_told_to_everybody(
    tmp_path: Path, endpoint: str, key: str, where: str
) -> None:
    assert [each.where for each in loaded(tmp_path, endpoint, key).problems] == [where]
