"""What the environment says besides the configuration's own values."""

from pathlib import Path

import pytest

from bridge.config import environment
from bridge.config.keys.problems import ConfigError


def test_a_named_file_is_taken_whether_or_not_it_exists() -> None:
    assert environment.config_file(Path("given.yaml"), {"BRIDGE_CONFIG": "other.yaml"}) == Path("given.yaml")
    assert environment.config_file(None, {"BRIDGE_CONFIG": "other.yaml"}) == Path("other.yaml")


def test_an_empty_variable_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "CONFIG_FILES", (Path("bridge.yaml"), tmp_path / "etc.yaml"))
    with pytest.raises(ConfigError, match="does not exist here"):
        environment.config_file(None, {"BRIDGE_CONFIG": ""})


def test_the_present_directory_comes_before_the_installed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "CONFIG_FILES", (Path("bridge.yaml"), tmp_path / "etc.yaml"))
    (tmp_path / "etc.yaml").touch()
    assert environment.config_file(None, {}) == tmp_path / "etc.yaml"
    (tmp_path / "bridge.yaml").touch()
    assert environment.config_file(None, {}) == Path("bridge.yaml")


def test_tracebacks_are_shown_only_when_asked_for() -> None:
    values = ("1", "true", "0", "false", "")
    assert [each for each in values if environment.traceback_wanted({"BRIDGE_TRACEBACK": each})] == ["1", "true"]


API = "https://analytex.userpilot.io"


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "http://low:1"),
        ({"ALL_PROXY": "socks5://p:1"}, "socks5://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "ALL_PROXY": "socks5://p:1"}, "http://p:1"),
        ({"http_proxy": "http://p:1"}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example, userpilot.io"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": ".userpilot.io"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.userpilot.io"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "analytex.userpilot.io:443"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "analytex.userpilot.io:8443"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "pilot.io"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ",,"}, "http://p:1"),
    ],
)
def test_proxies_are_read_as_curl_reads_them(environ: dict[str, str], proxy: str | None) -> None:
    assert environment.proxy_for(API, environ) == proxy


def test_plain_http_has_its_own_variable_and_never_the_one_cgi_could_set() -> None:
    assert environment.proxy_for("http://api.example", {"http_proxy": "http://p:1"}) == "http://p:1"
    assert environment.proxy_for("http://api.example", {"HTTP_PROXY": "http://p:1"}) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:80", "http://localhost:1", "http://[::1]:1"])
def test_a_loopback_address_is_never_proxied(url: str) -> None:
    assert environment.proxy_for(url, {"http_proxy": "http://p:1", "ALL_PROXY": "http://p:1"}) is None
