"""The key: rotation by file, what a broken file does, and that it shows nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.track.credentials import FixedKey, KeyFile, KeyFileError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("NX-first\n")
    return path


def test_the_header_is_the_documented_one(file: Path) -> None:
    assert KeyFile(file).header == b"Authorization: Token NX-first"
    assert FixedKey(" NX-fixed\n").header == b"Authorization: Token NX-fixed"


def test_a_changed_file_is_a_new_generation(file: Path) -> None:
    key = KeyFile(file)
    assert key.refresh() == 1
    file.write_text("NX-second")
    assert key.refresh() == 2
    assert key.header == b"Authorization: Token NX-second"
    assert key.refresh() == 2


def test_a_key_that_comes_back_is_a_change_too(file: Path) -> None:
    key = KeyFile(file)
    for expected, text in ((2, "NX-second"), (3, "NX-first"), (4, "NX-second")):
        file.write_text(text)
        assert key.refresh() == expected
        assert key.header.endswith(text.encode())


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"NX-a\nNX-b", b"Token NX-a", b"NX-\xc3\xa9", b"\xff\xfe", b"a" * 100_000]
)
def test_a_broken_file_keeps_the_old_key_and_says_so(file: Path, content: bytes) -> None:
    key = KeyFile(file)
    file.write_bytes(content)
    assert key.refresh() == 1
    assert key.header == b"Authorization: Token NX-first"
    assert key.problem is not None
    assert str(file) in key.problem
    assert "NX-a" not in key.problem
    file.write_text("NX-second")
    assert key.refresh() == 2
    assert key.problem is None


def test_a_vanished_file_keeps_the_old_key_and_says_so(file: Path) -> None:
    key = KeyFile(file)
    file.unlink()
    assert key.refresh() == 1
    assert key.problem == f"the key file {file} cannot be read: No such file or directory"


def test_the_first_key_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        KeyFile(tmp_path / "absent")
    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        KeyFile(tmp_path)


def test_a_byte_order_mark_is_not_part_of_the_key(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfNX-first\r\n")
    assert KeyFile(file).header == b"Authorization: Token NX-first"


def test_no_repr_shows_the_key(file: Path) -> None:
    assert "NX-" not in repr(KeyFile(file)) + repr(FixedKey("NX-fixed"))


def test_every_key_used_so_far_is_scrubbed_from_what_the_api_says(file: Path) -> None:
    key = KeyFile(file)
    file.write_text("NX-first-and-more")
    key.refresh()
    assert key.scrub(b"NX-first-and-more, NX-first, other") == b"[API key], [API key], other"
    assert FixedKey("NX-fixed").scrub(b"bad NX-fixed") == b"bad [API key]"


def since(key: KeyFile) -> float | None:
    """A problem and the time since when there is one come and go together."""
    assert (key.problem is None) == (key.problem_since is None)
    return key.problem_since


def test_a_look_at_the_file_takes_no_key_and_says_since_when_it_cannot_be_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key is taken when the API refuses the old one: whoever rotates puts the new one there first."""
    key = KeyFile(file)
    file.write_text("NX-second")
    key.look()
    assert (key.generation, since(key)) == (1, None)
    file.unlink()
    for now in (100.0, 200.0):
        monkeypatch.setattr("bridge.track.credentials.time.time", lambda now=now: now)
        key.look()
        assert since(key) == 100.0
    key.refresh()
    assert since(key) == 100.0
    file.write_text("NX-second")
    key.look()
    assert since(key) is None
    assert key.refresh() == 2
