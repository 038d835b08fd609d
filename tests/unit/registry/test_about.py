from __future__ import annotations

from pathlib import Path

from bridge.registry.about import RegistryAbout
from bridge.registry.outcomes import RegistryFailure
from tests.support.registry.asking import source
from tests.support.registry.server import HTML, FakeRegistry, Reply


async def test_each_address_says_which_it_is_or_why_it_says_nothing(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t")
    version = Reply.of(200, {"version": "8.1.0", "commitId": "x"})
    registry.instead = lambda asked: version if asked.path == "/v1/metadata/version" else None
    with FakeRegistry() as refusing, FakeRegistry() as other, FakeRegistry() as silent_on_version:
        refusing.login("Bearer another")
        other.always(HTML)
        urls = (registry.url, refusing.url, other.url, silent_on_version.url)
        found = await source(*urls, bearer_token_file=str(file)).about()
    assert found[0] == RegistryAbout(registry.url, "Schema Registry 8.1.0")
    assert [each.kind for each in found if isinstance(each, RegistryFailure)] == ["login", "wrong_address"]
    assert found[3] == RegistryAbout(silent_on_version.url, None)


async def test_an_api_of_another_kind_is_a_wrong_address(registry: FakeRegistry) -> None:
    registry.always(Reply.of(200, {}))
    for kind in ("confluent", "apicurio"):
        (found,) = await source(registry.url, type=kind).about()
        assert isinstance(found, RegistryFailure)
        assert found.kind == "wrong_address"
