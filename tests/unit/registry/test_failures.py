"""The table of failures: nothing that goes wrong with a registry is taken for an answer about a schema."""

from __future__ import annotations

import gzip
import ssl
from pathlib import Path

import pytest
import trustme

from bridge.decode.protocol import Schema
from bridge.errors import Misuse
from bridge.registry.apis.replies import retry_after
from bridge.registry.outcomes import HttpReply, LookupResult, UnknownReference, UnusableSchema
from tests.support.registry.asking import failure, fetched, source
from tests.support.registry.server import HTML, FakeRegistry, Reply

JSON_ERROR = {"error_code": 50001, "message": "Error in the backend\x1b[31m datastore"}


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (
            Reply.of(500, JSON_ERROR),
            "server_error",
            r"answers with an error of its own \(500: Error in the backend\\x1b",
        ),
        (Reply(502, b"<html>", "text/html"), "server_error", r"an error of its own \(502\)"),
        (Reply(503), "server_error", "503"),
        (Reply(408), "server_error", "408"),
        (Reply(429), "rate_limited", "asks to come again later"),
        (
            Reply.of(401, {"error_code": 40101, "message": "Unauthorized"}),
            "login",
            "refuses the login of schema_registry",
        ),
        (Reply.of(403, {"error_code": 40301, "message": "denied Read on Subject"}), "login", "denied Read on Subject"),
        (Reply(407), "connection", "the proxy on the way"),
        (HTML, "wrong_address", "answers with 200 and text/html, and not as a schema registry"),
        (Reply(200, b"", ""), "wrong_address", "200 and nothing that has a type"),
        (Reply(200, b"[]"), "wrong_address", "check schema_registry.urls"),
        (Reply(204, b""), "wrong_address", "204"),
        (Reply(302, b"", headers={"Location": "https://elsewhere"}), "wrong_address", "which is not followed"),
        (Reply(404, b"<html>", "text/html"), "wrong_address", "404 and text/html"),
        (Reply(404, b"", "application/json"), "wrong_address", "404"),
        (Reply.of(404, {"error_code": 404, "message": "HTTP 404 Not Found"}), "wrong_address", "404"),
        (Reply.of(404, {"error_code": [40403]}), "wrong_address", "404"),
        (Reply.of(404, {"status": 404, "name": "NotFoundException"}), "wrong_address", "404"),
        (Reply(405), "wrong_address", "405"),
        (Reply.of(422, {"error_code": 42201, "message": "no"}), "refused", r"refuses the question \(422: no\)"),
        (Reply(400), "refused", r"\(400\)"),
    ],
)
async def test_every_answer_that_is_none_is_a_trouble_of_the_registry(
    registry: FakeRegistry, reply: Reply, kind: str, says: str
) -> None:
    registry.always(reply)
    found = await failure(source(registry.url))
    assert found.kind == kind
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(found.sentence)
    assert registry.url in found.sentence


@pytest.mark.parametrize("code", [40401, 40402, 40403])
async def test_only_a_registrys_own_404_says_that_an_id_is_unknown(registry: FakeRegistry, code: int) -> None:
    registry.always(Reply.of(404, {"error_code": code, "message": "Schema not found"}))
    with pytest.raises(UnknownReference, match="schema id 1"):
        await source(registry.url).fetch("id:1")


async def test_a_registry_that_cannot_look_up_by_guid_is_named_as_one(registry: FakeRegistry) -> None:
    registry.always(Reply(404, b"", "application/json"))
    found = await failure(source(registry.url), "guid:0f8fad5b-d9cb-469f-a165-70867728950e")
    assert found.kind == "wrong_address"
    assert "as Karapace and Apicurio cannot" in found.sentence


@pytest.mark.parametrize(("header", "seconds"), [("17", 17.0), ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0), ("soon", None)])
def test_the_time_to_wait_is_read_in_both_forms(header: str, seconds: float | None) -> None:
    headers = {"retry-after": header, "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert retry_after(HttpReply(429, headers, b"")) == seconds


async def test_a_refused_connection_and_a_name_that_is_none_are_said(registry: FakeRegistry) -> None:
    registry.down()
    found = await failure(source(registry.url))
    assert (found.kind, found.sentence) == ("connection", f"no connection to {registry.url}: Connection refused")
    found = await failure(source("http://registry.invalid:8081"))
    assert found.kind == "connection"
    assert "the host registry.invalid does not resolve" in found.sentence


async def test_a_registry_that_does_not_answer_is_given_up_in_time(registry: FakeRegistry) -> None:
    registry.silence()
    found = await failure(source(registry.url, timeout="200ms"))
    assert (found.kind, found.sentence) == ("timeout", f"{registry.url} gave no whole answer in 0.2 s")


async def test_an_answer_that_is_compressed_unasked_is_read(registry: FakeRegistry) -> None:
    body = gzip.compress(b'{"schema": "\\"string\\""}')
    registry.always(Reply(200, body, headers={"Content-Encoding": "gzip"}))
    assert await fetched(source(registry.url), "id:1") == Schema("avro", '"string"')


async def test_a_bomb_is_read_no_further_than_an_answer_may_be_long(registry: FakeRegistry) -> None:
    registry.always(Reply(200, gzip.compress(bytes(200_000_000), 1), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(UnusableSchema, match="larger than the bridge takes"):
        await source(registry.url, timeout="10s").fetch("id:1")


# --- TLS


def server_side(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    return context


def trusting(folder: Path, authority: trustme.CA) -> dict[str, str]:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return {"ca_file": str(path)}


async def test_an_unknown_authority_is_a_trouble_with_advice_and_a_configured_one_is_none(tmp_path: Path) -> None:
    authority = trustme.CA()
    with FakeRegistry(tls=server_side(authority)) as registry:
        registry.register("a", '"string"')
        found = await failure(source(registry.url))
        assert found.kind == "tls"
        assert "put that authority into schema_registry.tls.ca_file" in found.sentence
        trusted = source(registry.url, tls=trusting(tmp_path, authority))
        assert await fetched(trusted, "id:1") == Schema("avro", '"string"')


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    with FakeRegistry(tls=server_side(authority, "other.example")) as registry:
        found = await failure(source(registry.url, tls=trusting(tmp_path, authority)))
        assert found.kind == "tls"
        assert "the certificate of 127.0.0.1 was refused" in found.sentence


async def test_plain_http_behind_an_https_address_is_a_trouble_of_tls(registry: FakeRegistry) -> None:
    found = await failure(source(registry.url.replace("http:", "https:")))
    assert found.kind == "tls"


async def test_the_bridges_own_certificate_is_shown_and_a_new_one_needs_no_restart(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = server_side(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    own = {"certificate_file": str(tmp_path / "own.pem"), "key_file": str(tmp_path / "own.key")}
    stranger, friend = trustme.CA().issue_cert("bridge"), authority.issue_cert("bridge")

    def install(issued: trustme.LeafCert) -> None:
        issued.cert_chain_pems[0].write_to_path(own["certificate_file"])
        issued.private_key_pem.write_to_path(own["key_file"])

    with FakeRegistry(tls=context) as registry:
        registry.register("a", '"string"')
        install(stranger)
        client = source(registry.url, tls={**trusting(tmp_path, authority), **own})
        assert (await failure(client)).kind in {LookupResult.TLS, LookupResult.CONNECTION}
        install(friend)
        assert await fetched(client, "id:1") == Schema("avro", '"string"')
        (tmp_path / "own.pem").write_text("half writ")
        assert await fetched(client, "id:1") == Schema("avro", '"string"'), "a broken file displaced what worked"


def test_certificates_and_addresses_that_cannot_be_used_are_misuse(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    with pytest.raises(Misuse, match="holds no certificate in PEM form"):
        source("https://registry.example", tls={"ca_file": str(tmp_path / "ca.pem")})
    with pytest.raises(Misuse, match="cannot be read: No such file"):
        source("https://registry.example", tls={"certificate_file": str(tmp_path / "gone.pem")})
    for url, says in [
        ("registry.example", "is not an address with http"),
        ("https://u:secret@registry.example", "must not carry a user or a password"),
        ("https://registry.example/?x=1", "must end with its path"),
        ("https://registry.example:port", "is not an address"),
    ]:
        with pytest.raises(Misuse, match=says) as refused:
            source("https://registry.example", url)
        assert "schema_registry.urls[1]" in str(refused.value)
        assert "secret" not in str(refused.value)


async def test_a_proxy_of_the_environment_is_used_as_for_the_api(registry: FakeRegistry) -> None:
    registry.always(Reply.of(200, {"schema": "x"}))
    client = source("http://registry.example", environ={"http_proxy": registry.url})
    assert await fetched(client, "id:1") == Schema("avro", "x")
    assert registry.paths == ["http://registry.example/schemas/ids/1"]
    broken = source("http://registry.example", environ={"http_proxy": "nonsense:secret"})
    found = await failure(broken)
    assert found.kind == "connection"
    assert "secret" not in found.sentence
