"""Files that a configuration names by a relative path: where they are, in all four situations, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.load import Loaded, read
from bridge.config.reading.files import Files, place
from bridge.config.sections import SHAPE
from tests.unit.config.conftest import RIGHT

KEY = "api_key: key-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The configuration's."""
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def load_with(folder: Path, working: Path) -> Callable[..., Loaded]:  # noqa: ARG001 - it is the working directory
    """Reads the right file with one line replaced, from its own folder and under its own name."""

    def load(line: str, instead_of: str = KEY, **environ: str) -> Loaded:
        assert instead_of in RIGHT
        (folder / "bridge.yaml").write_text(RIGHT.replace(instead_of, line))
        return read(folder / "bridge.yaml", environ)

    return load


def _key_file(loaded: Loaded) -> Path | None:
    assert loaded.config is not None, loaded.problems
    return loaded.config.track.api_key_file


# --- the four situations -----------------------------------------------------------------------------


def test_a_file_beside_the_configuration_is_found_from_every_working_directory(
    load_with: Callable[..., Loaded], folder: Path
) -> None:
    (folder / "key").write_text("k")
    loaded = load_with("api_key_file: key")

    assert _key_file(loaded) == folder / "key"
    assert loaded.warnings == ()


def test_a_file_that_only_the_working_directory_has_is_read_as_ever_with_a_warning(
    load_with: Callable[..., Loaded], folder: Path, working: Path
) -> None:
    (working / "key").write_text("k")
    loaded = load_with("api_key_file: ./key")

    assert _key_file(loaded) == working / "key"
    (warning,) = loaded.warnings
    assert str(warning) == (
        f"track.api_key_file: is {working}/key, found from the working directory and not beside the configuration; "
        f"move it to {folder}/key, or write its whole path (line 7)"
    )


def test_where_both_have_one_the_working_directorys_keeps_being_read_and_both_are_named(
    load_with: Callable[..., Loaded], folder: Path, working: Path
) -> None:
    (working / "key").write_text("today")
    (folder / "key").write_text("other")
    loaded = load_with("api_key_file: key")

    assert _key_file(loaded) == working / "key"
    (warning,) = loaded.warnings
    assert str(warning) == (
        f"track.api_key_file: is {working}/key, found from the working directory, but {folder}/key exists, too; write "
        "the whole path of the one that is meant (line 7)"
    )


def test_a_file_that_neither_has_is_missed_beside_the_configuration(
    load_with: Callable[..., Loaded], folder: Path
) -> None:
    loaded = load_with("api_key_file: key")

    assert _key_file(loaded) == folder / "key"
    assert loaded.warnings == ()


# --- what is none of them ----------------------------------------------------------------------------


def test_two_names_of_one_file_leave_nothing_to_choose(
    load_with: Callable[..., Loaded], folder: Path, working: Path
) -> None:
    (folder / "key").write_text("k")
    (working / "key").symlink_to(folder / "key")

    assert load_with("api_key_file: key").warnings == ()


def test_in_the_configurations_own_folder_nothing_is_said(
    load_with: Callable[..., Loaded], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "key").write_text("k")
    loaded = load_with("api_key_file: key")

    assert (_key_file(loaded), loaded.warnings) == (folder / "key", ())


def test_a_whole_path_and_one_from_home_are_taken_as_they_are(
    load_with: Callable[..., Loaded], working: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(working))
    assert _key_file(load_with("api_key_file: ~/key")) == working / "key"
    assert _key_file(load_with("api_key_file: /run/secrets/key")) == Path("/run/secrets/key")


def test_what_the_environment_names_is_the_working_directorys_alone(
    load_with: Callable[..., Loaded], folder: Path, working: Path
) -> None:
    (folder / "key").write_text("k")
    (folder / "password").write_text("beside")
    (working / "password").write_text("here")
    loaded = load_with(
        "",
        BRIDGE_TRACK__API_KEY_FILE="key",
        BRIDGE_KAFKA__PROPERTIES__SASL_PASSWORD_FILE="password",
    )

    assert _key_file(loaded) == working / "key"
    assert loaded.warnings == ()
    assert loaded.config is not None
    assert loaded.config.kafka.properties["sasl.password"] == "here"


def test_a_configuration_is_read_where_the_working_directory_is_gone(
    load_with: Callable[..., Loaded], folder: Path, working: Path
) -> None:
    (folder / "key").write_text("k")
    (folder / "bridge.yaml").write_text("")
    working.rmdir()

    assert _key_file(load_with("api_key_file: key")) == folder / "key"


# --- every key that names a file ---------------------------------------------------------------------


def _values(loaded: Loaded) -> str:
    assert loaded.config is not None, loaded.problems
    track, kafka = loaded.config.track, loaded.config.kafka
    key = track.api_key and track.api_key.get_secret_value()
    return f"{track.api_key_file} {track.ca_file} {key} {dict(kafka.properties)}"


EVERY = {
    "api_key_file": ("api_key_file: FILE", KEY),
    "ca_file": (f"{KEY}\n  ca_file: FILE", KEY),
    "a reference": ("api_key: ${file:FILE}", KEY),
    "NAME_file": ("group_id: bridge\n  properties: {sasl.password_file: FILE}", "group_id: bridge"),
    "a librdkafka path": ("group_id: bridge\n  properties: {ssl.ca.location: FILE}", "group_id: bridge"),
}


@pytest.mark.parametrize(("line", "instead_of"), EVERY.values(), ids=list(EVERY))
def test_every_key_that_names_a_file_follows_one_rule(
    load_with: Callable[..., Loaded], folder: Path, working: Path, line: str, instead_of: str
) -> None:
    line = line.replace("FILE", "named")
    (folder / "named").write_text("beside-1")
    loaded = load_with(line, instead_of)
    assert str(folder / "named") in _values(loaded) or "beside-1" in _values(loaded)
    assert loaded.warnings == ()

    (working / "named").write_text("working-1")
    loaded = load_with(line, instead_of)
    assert str(working / "named") in _values(loaded) or "working-1" in _values(loaded)
    assert len(loaded.warnings) == 1

    (folder / "named").unlink()
    loaded = load_with(line, instead_of)
    assert str(working / "named") in _values(loaded) or "working-1" in _values(loaded)
    assert len(loaded.warnings) == 1


@pytest.mark.parametrize(
    ("given", "is_path"),
    [("FILE:/etc/x.keytab", False), ("MEMORY:bridge", False), ("FILE:x.keytab", False), ("x.keytab", True)],
)
def test_a_keytab_that_is_named_with_its_type_is_left_as_it_is(folder: Path, given: str, *, is_path: bool) -> None:
    tree = {"kafka": {"properties": {"sasl.kerberos.keytab": given}}}
    Files(folder).resolve(tree, ())
    assert tree["kafka"]["properties"]["sasl.kerberos.keytab"] == (str(folder / given) if is_path else given)


def test_a_missing_file_is_named_by_its_whole_path(load_with: Callable[..., Loaded], folder: Path) -> None:
    (problem,) = load_with("api_key: ${file:secrets/key}").problems
    assert f"the file {folder}/secrets/key cannot be read" in problem.message
    (problem,) = load_with("group_id: b\n  properties: {sasl.password_file: pw}", "group_id: bridge").problems
    assert f"the file {folder}/pw cannot be read" in problem.message


def test_no_key_of_a_section_that_names_a_file_is_forgotten() -> None:
    assert [leaf for leaf in SHAPE.leaves if leaf.endswith("_file")] == [
        "track.api_key_file",
        "track.ca_file",
        "schema_registry.basic_auth.password_file",
        "schema_registry.bearer_token_file",
        "schema_registry.oauth.client_secret_file",
        "schema_registry.tls.ca_file",
        "schema_registry.tls.certificate_file",
        "schema_registry.tls.key_file",
        "mapping.descriptor_set_file",
        "console.token_file",
    ]


def test_a_word_that_librdkafka_takes_for_a_path_stays_one(load_with: Callable[..., Loaded]) -> None:
    loaded = load_with("group_id: bridge\n  properties: {ssl.ca.location: probe}", "group_id: bridge")
    assert loaded.config is not None
    assert loaded.config.kafka.properties["ssl.ca.location"] == "probe"


@pytest.mark.parametrize("there", [{"/d/f"}, {"/w/f"}, {"/d/f", "/w/f"}, set()])
def test_what_loads_from_the_working_directory_today_loads_the_same_tomorrow(there: set[str]) -> None:
    found = place("f", Path("/d"), Path("/w"), there.__contains__)

    assert found.path == ("/w/f" if "/w/f" in there else "/d/f")
    assert bool(found.warning) == ("/w/f" in there)
