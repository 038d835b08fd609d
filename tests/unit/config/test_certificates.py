"""When certificates end, read out of real ones, and which of the configuration's files hold any."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import certificates
from bridge.config.load import Loaded

Load = Callable[..., Loaded]
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()
DAY = 86_400.0


def leaf(authority: trustme.CA, ends: datetime, subject: str = "one") -> tuple[str, float]:
    issued = authority.issue_cert("kafka-1.example", not_after=ends, organization_unit_name=subject)
    return issued.cert_chain_pems[0].bytes().decode(), ends.timestamp()


def of_library(pem: str) -> float:
    """What the cryptography library, which the tests have, says of the first certificate."""
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@given(days=st.integers(0, 9_000))
def test_the_end_of_a_certificate_is_what_a_library_for_them_reads(days: int) -> None:
    """Until 2049 it has two digits for the year, and four from then on."""
    pem, end = leaf(_SHARED, datetime(2026, 6, 1, 3, 4, 5, tzinfo=UTC) + timedelta(days=days))
    assert [each.not_after for each in certificates.validities(pem)] == [end]
    assert end == of_library(pem)


_SHARED = trustme.CA()


def test_a_chain_ends_with_the_first_of_its_certificates(authority: trustme.CA) -> None:
    pem, end = leaf(authority, datetime(2027, 1, 1, tzinfo=UTC))
    chain = pem + authority.cert_pem.bytes().decode()
    assert certificates.end_of(chain, are_authorities=False, now=NOW) == end


def test_authorities_end_with_the_first_that_is_not_renewed_and_not_over(authority: trustme.CA) -> None:
    old, _ = leaf(authority, datetime(2026, 1, 5, tzinfo=UTC), "one")
    new, renewed = leaf(authority, datetime(2028, 1, 1, tzinfo=UTC), "one")
    other, sooner = leaf(authority, datetime(2027, 1, 1, tzinfo=UTC), "other")
    left, over = leaf(authority, datetime(2025, 1, 1, tzinfo=UTC), "left there")

    def end(*pems: str) -> float | None:
        return certificates.end_of("".join(pems), are_authorities=True, now=NOW)

    assert end(old, new) == end(new, old) == renewed
    assert end(old, new, other) == sooner
    assert end(left, new) == renewed
    assert end(left) == over


def test_of_the_worlds_list_of_authorities_the_last_end_counts(authority: trustme.CA) -> None:
    soon, _ = leaf(authority, datetime(2026, 1, 5, tzinfo=UTC))
    own = authority.cert_pem.bytes().decode()
    text = soon + own * certificates.A_LIST_OF_THE_WORLDS
    assert certificates.end_of(text, are_authorities=True, now=NOW) == of_library(own)


@given(st.text(), st.binary(max_size=60))
def test_what_is_no_certificate_is_passed_over(text: str, der: bytes) -> None:
    block = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"
    damaged = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    assert certificates.end_of(text + block + damaged, are_authorities=False, now=NOW) is None


def test_a_large_file_of_beginnings_without_an_end_is_read_through_once() -> None:
    """Looked through to its end for each of them it would take hours, and a wrong path may name anything."""
    text = "-----BEGIN CERTIFICATE-----\n" * (certificates.LARGEST // 28)
    assert certificates.end_of(text, are_authorities=False, now=NOW) is None


def test_a_certificate_cut_anywhere_is_passed_over(authority: trustme.CA) -> None:
    pem, _ = leaf(authority, datetime(2027, 1, 1, tzinfo=UTC))
    lines = pem.splitlines()
    for kept in range(1, len(lines) - 2):
        cut = "\n".join([*lines[:kept], lines[-1]])
        assert certificates.end_of(cut, are_authorities=False, now=NOW) in (
            None,
            datetime(2027, 1, 1, tzinfo=UTC).timestamp(),
        )


def test_every_file_and_text_of_certificates_is_named_and_the_dead_letters_only_where_it_is_another(
    changed: Load, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    loaded = changed(
        "  topics: [shop.orders]\n",
        "  topics: [shop.orders]\n  properties:\n    security.protocol: ssl\n    ssl.ca.location: /certs/ca.pem\n"
        "    ssl.certificate.location: /certs/client.pem\n    ssl.key.location: /certs/client.key\n",
        "  topic: bridge.dlq\n",
        "  topic: bridge.dlq\n  properties: {ssl.ca.location: /certs/ca.pem, ssl.certificate.pem: PEM}\n",
        "  api_key: key-1\n",
        f"  api_key: key-1\n  ca_file: {ca}\n",
    )
    assert loaded.config is not None, loaded.problems
    found = {each.certificate: each.path or each.text for each in certificates.named(loaded.config)}
    assert found == {
        "track_ca": ca,
        "kafka_client": Path("/certs/client.pem"),
        "kafka_ca": Path("/certs/ca.pem"),
        "dead_letter_client": "PEM",
    }
