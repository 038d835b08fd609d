from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config.load import Loaded

Load = Callable[..., Loaded]
SECRET = "basic_auth: {username: u, password_file: /run/p}"


def loaded(load: Load, right: str, section: str) -> Loaded:
    return load(right + f"schema_registry: {section}\n")


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("{urls: [registry.example]}", "schema_registry.urls[0] is not an address with http"),
        ("{urls: ['https://a', 'https://u:hunter2@b']}", "schema_registry.urls[1] must not carry a user or a password"),
        ("{urls: ['https://a/?x=1']}", "schema_registry.urls[0] must end with its path"),
        ("{urls: ['https://a:b']}", "schema_registry.urls[0] is not an address"),
        ("{urls: ['https://a'], bearer_token_file: /t, " + SECRET + "}", "must not be set beside basic_auth"),
        ("{urls: ['https://a'], tls: {key_file: /k}}", "schema_registry.tls.key_file is the key of a certificate"),
        ("{type: glue, urls: ['https://registry.example']}", "schema_registry.urls[0] names no region of AWS"),
        (
            "{type: glue, urls: ['https://glue.eu-west-1.amazonaws.com'], " + SECRET + "}",
            "schema_registry.basic_auth must not be set with type: glue",
        ),
        ("{urls: ['registry:8081']}", "and a host; write one such as http://registry:8081 or https://registry"),
        ("{type: glue}", "schema_registry.urls is required: its addresses, of AWS https://glue.REGION.amazonaws.com"),
        (
            "{urls: ['https://a'], oauth: {token_endpoint: 'id:8080', client_id: c, client_secret_file: /s}}",
            "and a host; write one such as https://id.example.com/oauth/token",
        ),
        (
            "{urls: [https://a], oauth: {token_endpoint: 'https://c:hunter2@b', client_id: c, client_secret_file: s}}",
            "belong in schema_registry.oauth.client_id and its client_secret_file",
        ),
        (
            "{urls: ['https://a'], oauth: {token_endpoint: here, client_id: c, client_secret_file: /s}}",
            "schema_registry.oauth.token_endpoint is not an address",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_problem_that_repeats_no_secret(
    load: Load, right: str, section: str, says: str
) -> None:
    problems = [f"{each.where} {each.message}" for each in loaded(load, right, section).problems]
    assert [says in each for each in problems] == [True], problems
    assert "hunter2" not in problems[0]


@pytest.mark.parametrize(
    "section",
    [
        "null",
        "{urls: ['http://127.0.0.1:8081/'], " + SECRET + "}",
        "{urls: ['https://a/contexts/.shop', 'https://[::1]:8081'], " + SECRET + "}",
        "{type: glue, urls: ['https://glue.eu-west-1.amazonaws.com']}",
        "{type: glue, urls: ['https://vpce.example/?region=eu-west-1']}",
        "{urls: ['https://a'], tls: {certificate_file: /c, key_file: /k}}",
    ],
)
def test_what_can_be_meant_is_no_problem_and_no_warning(load: Load, right: str, section: str) -> None:
    found = loaded(load, right, section)
    assert (found.problems, found.warnings) == ((), ())


def test_a_login_over_plain_http_is_warned_of(load: Load, right: str) -> None:
    found = loaded(load, right, "{urls: ['http://registry.example'], " + SECRET + "}")
    assert found.problems == ()
    assert [each.where for each in found.warnings] == ["schema_registry.urls[0]"]
    assert "shows the registry's login to the network" in found.warnings[0].message


def test_a_secret_of_a_client_over_plain_http_is_warned_of(load: Load, right: str) -> None:
    oauth = "{token_endpoint: 'http://id.example/token', client_id: c, client_secret_file: /s}"
    found = loaded(load, right, "{urls: ['https://registry.example'], oauth: " + oauth + "}")
    assert found.problems == ()
    assert [each.where for each in found.warnings] == ["schema_registry.oauth.token_endpoint"]
    assert "shows the client's secret to the network" in found.warnings[0].message
