"""What is around a value is undone from the outside, within bounds, and what cannot be undone is named."""

from __future__ import annotations

import base64
import gzip
import json
import random
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode import layers
from bridge.decode.failures import MappingError
from bridge.model import LetterReason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PUT: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zstd": zstd.compress,
    "json_text": lambda raw: json.dumps(raw.decode("utf-8")).encode(),
}
"""What puts each layer around bytes."""


def test_every_layer_can_be_undone_and_put_around_here() -> None:
    assert PUT.keys() == layers.UNDO.keys()


@given(
    st.text(st.characters(codec="ascii"), min_size=1, max_size=200), st.lists(st.sampled_from(sorted(PUT)), max_size=4)
)
def test_layers_come_off_in_the_order_in_which_they_are_named_outermost_first(text: str, names: list[str]) -> None:
    wrapped, put = text.encode(), []
    for name in reversed(names):
        which = name if name != "json_text" or wrapped.isascii() else "base64"  # a text holds no compressed bytes
        wrapped = PUT[which](wrapped)
        put.append(which)

    assert layers.undo(wrapped, put[::-1]) == text.encode()


@pytest.mark.parametrize("name", ["gzip", "zlib", "zstd"])
def test_a_bomb_is_a_dead_letter_before_it_is_memory(name: str) -> None:
    bomb = PUT[name](b"\0" * 30_000_000)
    assert len(bomb) < 40_000

    with pytest.raises(MappingError, match=f"layers.0., {name}: the value is larger than 20000000 bytes"):
        layers.undo(bomb, [name])


def test_the_bound_is_of_all_pieces_together() -> None:
    pieces = gzip.compress(b"\0" * 9_000_000) * 3

    with pytest.raises(MappingError, match="larger than"):
        layers.undo(pieces, ["gzip"])


def test_pieces_of_compressed_data_one_after_the_other_are_one_content_but_not_without_end() -> None:
    assert layers.undo(gzip.compress(b'{"a":') + gzip.compress(b"1}") + b"\0" * 512, ["gzip"]) == b'{"a":1}'
    assert layers.undo(zstd.compress(b'{"a":') + zstd.compress(b"1}"), ["zstd"]) == b'{"a":1}'
    with pytest.raises(MappingError, match="more than 10000 pieces"):
        layers.undo(gzip.compress(b"") * 10_001, ["gzip"])


@pytest.mark.parametrize(
    ("raw", "names", "sentence"),
    [
        (b'{"a": 1}', ["base64"], "layers[0], base64: the value is not base64"),
        (b'"eyJhIjoxfQ=="', ["base64"], "where it is a JSON text in quotes, json_text comes first"),
        (b"", ["base64"], "is empty, not base64"),
        (b"eyJhIjoxfQ==", ["base64", "gzip"], "layers[1], gzip: the value inside of base64 is not gzip, or is damaged"),
        (gzip.compress(b"x" * 500, mtime=0)[:-9], ["gzip"], "ends in the middle of its gzip data"),
        (gzip.compress(b"x", mtime=0) + b"more", ["gzip"], "is not gzip, or is damaged"),
        (zlib.compress(b"x") + b"more", ["zlib"], "has 4 bytes after the end of its zlib data"),
        (zstd.compress(b"x" * 500)[:-3], ["zstd"], "ends in the middle of its zstd data"),
        (b"", ["gzip"], "is empty, not gzip"),
        (b'{"a": 1}', ["json_text"], "is an object; a JSON text is needed, which holds JSON"),
        (b"abc", ["json_text"], "is not JSON; a JSON text is needed"),
    ],
)
def test_what_is_no_such_layer_is_named_with_its_place(raw: bytes, names: list[str], sentence: str) -> None:
    with pytest.raises(MappingError) as failed:
        layers.undo(raw, names)

    assert sentence in failed.value.message
    assert failed.value.reason is LetterReason.UNDECODABLE


def test_base64_may_have_lines_no_padding_and_the_letters_of_addresses() -> None:
    raw = bytes(range(256))
    written = base64.urlsafe_b64encode(raw).rstrip(b"=")

    assert layers.undo(b"\n".join([written[:76], written[76:]]), ["base64"]) == raw


def test_whatever_bytes_a_layer_gets_it_is_undone_or_a_dead_letter() -> None:
    rng = random.Random(16)  # noqa: S311 - the same ones each time
    good: list[Any] = [PUT[name](b'{"type": "order", "data": {"n": 1}}') for name in sorted(PUT)]
    for _ in range(2_000):
        raw = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        for name in PUT:
            try:
                layers.undo(bytes(raw), [name])
            except MappingError:
                continue


def test_a_missing_package_is_said_before_any_record_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert layers.missing_package(["gzip", "zstd"]) is None
    monkeypatch.setattr(layers, "_zstd", lambda: None)
    assert "track-bridge[zstd]" in (layers.missing_package(["zstd"]) or "")
    assert layers.missing_package(["gzip"]) is None
