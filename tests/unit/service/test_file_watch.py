"""Files that somebody else renews: what is in use stays, what a restart would take is shown beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from bridge.config.certificates import Named
from bridge.ops.snapshot import Certificate
from bridge.service.watches.file_watch import FileWatch
from bridge.track.credentials import FixedKey, KeyFile

OLD, NEW = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def pems() -> tuple[str, str]:
    authority = trustme.CA()
    old, new = (authority.issue_cert("a.example", not_after=end).cert_chain_pems[0].bytes() for end in (OLD, NEW))
    return old.decode(), new.decode()


def ends(watch: FileWatch) -> set[tuple[str, str, float]]:
    return {(each.certificate, each.source, each.not_after) for each in watch.certificates}


async def test_a_renewed_file_is_seen_beside_what_the_clients_still_use(tmp_path: Path, pems: tuple[str, str]) -> None:
    """librdkafka and OpenSSL read files once: until a restart the old certificate counts."""
    file = tmp_path / "client.pem"
    file.write_text(pems[0])
    watch = FileWatch([Named("kafka_client", are_authorities=False, path=file)], FixedKey("NX-a"))
    assert ends(watch) == {("kafka_client", "used", OLD.timestamp())}

    file.write_text(pems[1])
    await watch.look()
    assert ends(watch) == {("kafka_client", "used", OLD.timestamp()), ("kafka_client", "file", NEW.timestamp())}

    file.unlink()
    await watch.look()
    assert ends(watch) == {("kafka_client", "used", OLD.timestamp())}


async def test_a_text_in_the_configuration_has_no_file_and_what_holds_no_certificate_shows_nothing(
    tmp_path: Path, pems: tuple[str, str]
) -> None:
    empty = tmp_path / "probe"
    empty.write_bytes(b"\xff\x00 no certificate")
    named = [
        Named("kafka_client", are_authorities=False, text=pems[0]),
        Named("kafka_ca", are_authorities=True, path=empty),
        Named("track_ca", are_authorities=True, path=tmp_path),
    ]
    watch = FileWatch(named, FixedKey("NX-a"))
    await watch.look()
    assert list(watch.certificates) == [Certificate("kafka_client", "used", OLD.timestamp())]


async def test_a_key_file_that_vanishes_is_noticed_while_the_api_is_content(tmp_path: Path) -> None:
    """Nothing is refused yet, so nobody else would read it until the restart that fails."""
    file = tmp_path / "key"
    file.write_text("NX-first")
    key = KeyFile(file)
    watch = FileWatch([], key)
    file.unlink()
    before = key.problem
    await watch.look()
    assert before is None
    assert key.problem is not None
    assert key.problem_since is not None
    assert key.header == b"Authorization: Token NX-first"
