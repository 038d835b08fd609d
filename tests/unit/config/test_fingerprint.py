"""The hash of the configuration: the same for the same settings, however they are written, and without a secret."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config.fingerprint import configuration_hash
from bridge.config.load import Loaded

Load = Callable[..., Loaded]


def hashed(loaded: Loaded) -> str:
    assert loaded.config is not None, loaded.problems
    return configuration_hash(loaded.config)


def test_the_order_of_keys_and_where_a_value_comes_from_make_no_difference(
    changed: Load, load: Load, right: str
) -> None:
    moved = "mapping:" + right.partition("mapping:")[2] + right.partition("mapping:")[0]
    plain = hashed(load(right))
    assert hashed(load(moved)) == plain
    assert hashed(changed("bridge.dlq", "${TOPIC}", TOPIC="bridge.dlq")) == plain
    assert len(plain) == 12


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("group_id: bridge", "group_id: bridge2"),
        ("Order Completed", "Order Done"),
        ("topic: bridge.dlq", "topic: bridge.dlq\n  hold_after: 7"),
        ("topics: [shop.orders]", "topics: [shop.orders]\n  properties: {isolation.level: read_uncommitted}"),
    ],
)
def test_a_setting_that_changes_changes_it(changed: Load, load: Load, right: str, old: str, new: str) -> None:
    assert hashed(changed(old, new)) != hashed(load(right))


def test_no_secret_goes_into_it_and_nothing_that_is_meant_to_differ_between_replicas(
    changed: Load, load: Load, right: str
) -> None:
    """Who knows all the rest could otherwise try passwords until the hash is the same."""
    with_password = (
        "topics: [shop.orders]\n  properties:\n    {{sasl.username: me, sasl.password: {}, client.id: {},"
        " group.instance.id: {}}}"
    )
    hashes = {
        hashed(changed("topics: [shop.orders]", with_password.format(*each), "key-1", key))
        for each, key in ((("one", "a", "a"), "key-1"), (("two", "b", "b"), "key-2"))
    }
    assert len(hashes) == 1
    assert hashes != {hashed(load(right))}


def test_what_the_console_is_told_makes_no_other_bridge(changed: Load, load: Load, right: str) -> None:
    told = changed("mapping:", "console: {listen: '127.0.0.1:1', instances: [a:1], show_values: true}\nmapping:")
    assert hashed(told) == hashed(load(right))
