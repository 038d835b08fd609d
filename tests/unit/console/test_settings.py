"""What the page Settings shows of a configuration: nothing that opens a door, and no records."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import load
from tests.support.console.running import FILE, ConsoleSetting, Opened

SECRETS = """, sasl.mechanism: OAUTHBEARER, sasl.oauthbearer.method: oidc, sasl.oauthbearer.client.id: the-client,
  sasl.oauthbearer.client.secret: hidden-1, sasl.oauthbearer.token.endpoint.url: "https://me:hidden-2@idp.example/token",
  sasl.oauthbearer.extensions: "logicalCluster=hidden-3"}}"""
EXAMPLES = """  examples:
    - name: an order
      input: {type: order.completed, data: {user: hidden-4, amount: 3}}
      expect: {event_name: Order Completed, user_id: hidden-4, metadata: {amount: 3}}
"""


@pytest.fixture
def telling(setting: ConsoleSetting, tmp_path: Path) -> ConsoleSetting:
    path = tmp_path / "telling.yaml"
    plain = ", sasl.mechanism: PLAIN, sasl.username: me, sasl.password: hunter2-secret}}"
    assert plain in FILE
    path.write_text(FILE.replace(plain, SECRETS) + EXAMPLES)
    loaded = load.read(path, {})
    assert loaded.config is not None, loaded.problems
    setting.config = loaded.config
    return setting


def test_no_secret_and_no_record_of_an_example_is_shown(telling: ConsoleSetting, opened: Opened) -> None:
    with opened(telling) as visitor:
        page = visitor.get("/settings").text
    assert "hidden-" not in page
    assert "https://********@idp.example/token" in page
    assert "an order" in page


def test_where_values_are_shown_so_are_examples(telling: ConsoleSetting, opened: Opened) -> None:
    telling.with_values()
    with opened(telling) as visitor:
        page = visitor.get("/settings").text
    assert "hidden-4" in page
    assert "hidden-1" not in page
