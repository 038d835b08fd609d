from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, quote, quote_plus

import pytest

from bridge.aws.sigv4 import AwsKeys
from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import Schema
from bridge.registry.build import build_source
from bridge.registry.lookups import RegistryLookups
from bridge.registry.source import RegistrySource
from bridge.registry.transport.aws import AwsLogin
from tests.support.registry.asking import failure, fetched, source
from tests.support.registry.server import FakeRegistry, Reply
from tests.support.registry.tokens import CLIENT_ID, TokenEndpoint, basic
from tests.support.waiting import patience

SCHEMA = Schema("avro", '"string"')


@pytest.fixture(autouse=True)
def _registered(registry: FakeRegistry) -> None:
    registry.register("a", '"string"')


async def test_a_password_is_read_again_without_a_restart(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("öld\n")
    client = source(registry.url, basic_auth={"username": "bridge", "password_file": str(file)})
    registry.login(basic("bridge", "öld"))
    assert await fetched(client, "id:1") == SCHEMA
    registry.login(basic("bridge", "new"))
    found = await failure(client)
    assert found.kind == "login"
    assert not client.credentials_changed()
    file.write_text("new")
    assert client.credentials_changed()
    assert await fetched(client, "id:1") == SCHEMA
    file.unlink()
    assert await fetched(client, "id:1") == SCHEMA, "a vanished file displaced what worked"


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file"), ("", "it is empty"), ("a\nb", "more than one line")]
)
async def test_a_file_that_never_held_a_secret_is_a_trouble_of_the_login(
    registry: FakeRegistry, tmp_path: Path, content: str | None, says: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    client = source(registry.url, bearer_token_file=str(file))
    found = await failure(client)
    assert found.kind == "login"
    assert f"schema_registry.bearer_token_file: {file} cannot be used" in found.sentence
    assert says in found.sentence
    assert registry.asked == []


async def test_a_bearer_token_is_shown(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t0k3n\n")
    registry.login("Bearer t0k3n")
    assert await fetched(source(registry.url, bearer_token_file=str(file)), "id:1") == SCHEMA


async def test_an_answer_that_repeats_the_secret_does_not_bring_it_into_the_log(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("t0k3n")
    registry.always(Reply.of(401, {"error_code": 40101, "message": "bad token t0k3n"}))
    found = await failure(source(registry.url, bearer_token_file=str(file)))
    assert "bad token [hidden]" in found.sentence


TOKEN = "".join(f"eyJ{number:03}." for number in range(90))
"""As long as those of identity providers."""


def assert_hidden(sentence: str, *secrets: str) -> None:
    """No part of any of them is in it."""
    for secret in secrets:
        parts = {secret[start : start + 6] for start in range(max(1, len(secret) - 5))}
        assert not [part for part in parts if part in sentence], sentence


@pytest.mark.parametrize("before", [0, 100, 150, 195], ids=lambda before: f"after {before} characters")
@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_no_part_of_a_secret_that_an_answer_repeats_comes_into_a_sentence(
    registry: FakeRegistry, tmp_path: Path, before: int, status: int
) -> None:
    """What is shown of an answer is cut, which must not leave the first half of a token behind."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    registry.always(Reply.of(status, {"error_code": 1, "message": "." * before + f"Bearer {TOKEN}"}))
    assert_hidden((await failure(source(registry.url, bearer_token_file=str(file)))).sentence, TOKEN)


async def test_a_refusal_may_be_nested_as_deep_as_it_likes(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t0k3n")
    deep = b"[" * 300 + b"]" * 300
    registry.always(Reply(500, b'{"error_code": 50001, "why": ' + deep + b', "message": "no t0k3n here"}'))
    found = await failure(source(registry.url, bearer_token_file=str(file)))
    assert found.kind == "server_error"
    assert found.sentence.endswith("(500: no [hidden] here)")


async def test_the_header_that_a_password_became_is_a_secret_too(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret/of mine")
    header = basic("bridge", "s3cret/of mine")
    registry.always(Reply.of(401, {"error_code": 40101, "message": f"not taken: {header} s3cret%2Fof%20mine"}))
    client = source(registry.url, basic_auth={"username": "bridge", "password_file": str(file)})
    found = await failure(client)
    assert "not taken: Basic [hidden]" in found.sentence
    assert_hidden(found.sentence, "s3cret/of mine", "s3cret%2Fof%20mine", header.removeprefix("Basic "))


@pytest.mark.parametrize("before", [0, 195])
async def test_neither_does_the_secret_that_tokens_are_got_with(
    registry: FakeRegistry, tmp_path: Path, before: int
) -> None:
    secret = "s3cret/of mine" * 9
    with TokenEndpoint() as endpoint:
        client = oauth_client(registry, endpoint, tmp_path / "secret")
        (tmp_path / "secret").write_text(secret)
        header = basic("cl%2Fient", quote_plus(secret)).removeprefix("Basic ")
        for status in (400, 503):
            for repeated in (secret, quote_plus(secret), quote(secret, ""), header):
                endpoint.always(Reply.of(status, {"error": "." * before + repeated}))
                assert_hidden((await failure(client)).sentence, repeated)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_is_got_once_and_again_before_it_ends(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret")
    clock = Clock()
    with TokenEndpoint() as endpoint:
        oauth = {
            "token_endpoint": endpoint.url + "/oauth/token",
            "client_id": CLIENT_ID,
            "client_secret_file": str(file),
            "scope": "schemas read",
            "logical_cluster": "lsrc-1",
            "identity_pool": "pool-2",
        }
        section = SchemaRegistry.model_validate({"urls": [registry.url], "oauth": oauth})
        client = build_source(section, {}, clock=clock)
        for _ in range(3):
            assert await fetched(client, "id:1") == SCHEMA
        assert endpoint.given == 1
        assert parse_qs(endpoint.asked[0].body.decode())["scope"] == ["schemas read"]
        shown = registry.asked[-1].headers
        assert shown["authorization"] == "Bearer t1"
        assert (shown["target-sr-cluster"], shown["confluent-identity-pool-id"]) == ("lsrc-1", "pool-2")
        clock.now = 3600 - 61
        await fetched(client, "id:1")
        assert endpoint.given == 1
        clock.now = 3600 - 59
        await fetched(client, "id:1")
        assert endpoint.given == 2


def oauth_client(registry: FakeRegistry, endpoint: TokenEndpoint, file: Path) -> RegistrySource:
    file.write_text("s3cret")
    oauth = {"token_endpoint": endpoint.url + "/token", "client_id": CLIENT_ID, "client_secret_file": str(file)}
    return source(registry.url, oauth=oauth)


async def test_a_token_that_was_withdrawn_is_replaced_within_the_look_up(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    with TokenEndpoint() as endpoint:
        client = oauth_client(registry, endpoint, tmp_path / "secret")
        await fetched(client, "id:1")
        registry.login("Bearer t2")
        assert await fetched(client, "id:1") == SCHEMA
        assert endpoint.given == 2


async def test_an_endpoint_that_takes_the_secret_in_the_body_only_is_served(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    with TokenEndpoint() as endpoint:
        endpoint.takes_basic, endpoint.lives = False, "what?"
        client = oauth_client(registry, endpoint, tmp_path / "secret")
        assert await fetched(client, "id:1") == SCHEMA
        assert len(endpoint.asked) == 2
        registry.login("Bearer t2")
        assert await fetched(client, "id:1") == SCHEMA
        assert len(endpoint.asked) == 3, "what was learned of the endpoint was forgotten"


async def test_a_refused_client_and_a_dead_endpoint_are_told_from_a_dead_registry(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    with TokenEndpoint() as endpoint:
        client = oauth_client(registry, endpoint, tmp_path / "secret")
        endpoint.secret = "another"
        found = await failure(client)
        assert found.kind == "login"
        assert f"the token endpoint {endpoint.url}/token gives no token" in found.sentence
        assert "401: invalid_client" in found.sentence
        endpoint.always(Reply(503))
        assert (await failure(client)).kind == "server_error"
        endpoint.always(Reply.of(200, {"token": "x"}))
        assert "answers without an access_token" in (await failure(client)).sentence
        endpoint.down()
        found = await failure(client)
        assert (found.kind, found.sentence) == (
            "connection",
            f"no connection to {endpoint.url}/token: Connection refused",
        )
    assert registry.asked == []


async def test_a_secret_that_was_replaced_counts_for_a_token_that_may_not_read_too(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    """403: what a client may do is often written in the token, and the token is good for an hour."""
    with TokenEndpoint() as endpoint:
        client = oauth_client(registry, endpoint, tmp_path / "secret")
        registry.always(Reply.of(403, {"error_code": 40301, "message": "not yours"}))
        assert (await failure(client)).kind == "login"
        given = endpoint.given
        (tmp_path / "secret").write_text("an0ther")
        endpoint.secret = "an0ther"
        assert (await failure(client)).kind == "login"
        assert endpoint.given > given, "no token was got with the new secret"
        assert not client.credentials_changed(), "whoever waits for a new secret would ask without a pause"
        registry.login(f"Bearer t{endpoint.given + 1}")
        assert await fetched(client, "id:1") == SCHEMA


async def test_a_refused_secret_is_waited_for_and_named_until_the_file_holds_another(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    with TokenEndpoint() as endpoint:
        endpoint.secret = "an0ther"
        file = tmp_path / "secret"
        client = oauth_client(registry, endpoint, file)
        loop = asyncio.get_running_loop()
        lookups = RegistryLookups(client, unknown_after=60.0, clock=loop.time, luck=lambda: 0.0)
        known = asyncio.Event()
        lookups.want("id:1", known.set)
        async with patience(
            "the schema is known after the credentials are right",
            within=60,
            explain=lambda: f"{lookups.trouble('id:1')}\n{lookups.snapshot()}",
        ):
            while (trouble := lookups.trouble("id:1")) is None:
                await asyncio.sleep(0.01)
            assert trouble.kind == "login"
            assert f"the token endpoint {endpoint.url}/token gives no token" in trouble.what
            assert "s3cret" not in trouble.what
            assert lookups.snapshot().state == "trouble"
            assert not known.is_set()
            file.write_text("an0ther")
            await known.wait()
        assert lookups.schemas["id:1"] == SCHEMA
        assert lookups.snapshot().state == "ok"
        await lookups.aclose()


def test_a_login_by_signature_is_never_another_one_by_itself() -> None:
    def never() -> AwsKeys:
        raise AssertionError("nobody asked anything")

    assert AwsLogin("eu-central-1", never).changed() is False
