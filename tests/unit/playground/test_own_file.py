"""A saved change of somebody's own file reaches the bridge where it is right, and is refused by that file's name."""

from __future__ import annotations

from pathlib import Path

from bridge import commands
from bridge.config.sections import Config
from bridge.playground.hearing import sentence
from bridge.playground.own import configuration
from bridge.playground.own_file import OwnFile
from bridge.playground.places import derived
from tests.unit.playground.test_places import HERE

FILE = """\
kafka: {bootstrap_servers: "k:9092", group_id: g, topics: [crm.people]}
track: {endpoint: "${NOBODY_SETS_THIS}", api_key: "${NOR_THIS}"}
dead_letter: {topic: g.dlq}
mapping:
  event_type: kind
  user_id: who
  events: {signup: {event_name: Signed Up}}
  examples:
    - name: a signup
      input: {kind: signup, who: ann, id: e-1, time: "2026-01-02T03:04:05Z"}
      expect:
        - {user_id: ann, event_name: Signed Up, metadata: {occurred_at: "2026-01-02T03:04:05Z", event_id: e-1}}
"""


class Edited:
    """A file that a playground looks at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.copies: list[str] = []
        self.told: list[str] = []
        path.write_text(FILE)
        self._file = OwnFile(path, self._put, self.told.append)

    def _put(self, config: Config) -> None:
        self.copies.append(derived(config, HERE))

    def save(self, text: str) -> bool:
        self.path.write_text(text)
        return self._file.look()


def test_a_new_name_needs_its_example_too_and_until_then_is_refused_by_the_own_files_name(tmp_path: Path) -> None:
    edited = Edited(tmp_path / "mine.yaml")
    assert not edited.save(FILE.replace("event_name: Signed Up}}", "event_name: Joined!}}"))
    assert edited.copies == []
    (refused,) = edited.told
    assert refused == (
        f"Refused, what ran runs on: {edited.path}: 1 example of the mapping does not hold (a signup). Change what is"
        f" expected there, too; `{commands.invocation().program} test -c {edited.path}` shows the differences."
    )
    assert edited.save(FILE.replace("Signed Up", "Has Joined"))
    assert ["Has Joined" in each for each in edited.copies] == [True]
    assert edited.told[1:] == [f"{edited.path} is right again."]


def test_a_file_that_does_not_load_never_reaches_the_copy(tmp_path: Path) -> None:
    edited = Edited(tmp_path / "mine.yaml")
    assert not edited.save(FILE.replace("events:", "evnts:"))
    assert edited.copies == []
    assert f"{edited.path}:\n" in edited.told[0]
    assert "evnts" in edited.told[0]


def test_the_copy_says_what_it_is_made_from_and_a_refusal_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FILE)
    text = derived(configuration(tmp_path / "mine.yaml").config, HERE, "../mine.yaml")
    assert text.splitlines()[0] == "# Made from ../mine.yaml: edit that one, and this follows."
    refused = b'{"event":"configuration_refused","problems":["a","b"]}'
    assert sentence(refused, Path("mine.yaml")) == "Refused, what ran runs on: mine.yaml: a; b"
