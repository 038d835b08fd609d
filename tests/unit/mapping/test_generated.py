"""Functions that are written as text: whatever the names in them, and found again in a traceback."""

from __future__ import annotations

import traceback
from collections import Counter
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.expressions import generated
from bridge.mapping.expressions.generated import Metadata, MetadataFunction
from bridge.mapping.expressions.readers import ValueReader

SCOPE: Any = None
TEXTS = st.text(st.characters() | st.sampled_from("\0\ud800\n'\"\\{}<>"), max_size=8)


def reader(read: Any) -> ValueReader:
    return ValueReader("data.name", read)


def nowhere(*_given: Any) -> NoReturn:
    raise AssertionError("not asked")


@given(route=TEXTS, name=TEXTS, key=TEXTS, found=st.none() | TEXTS)
def test_names_are_texts_and_never_code(route: str, name: str, key: str, found: str | None) -> None:
    function = MetadataFunction(route, nowhere)
    function.keys([(key, ValueReader(name, nowhere, path=(name,), uses_scope=False))])
    counts: Counter[int] = Counter()
    out: Metadata = {}
    assert function.compiled(counts)(out, {name: found}, SCOPE) == 0
    assert out == ({} if found is None else {key: found})
    assert counts == {1 if found is None else 0: 1}


@given(parts=st.lists(TEXTS | st.tuples(TEXTS, TEXTS)), path=st.tuples(TEXTS, TEXTS))
def test_a_template_is_what_its_pieces_are(parts: list[str | tuple[str, str]], path: tuple[str, str]) -> None:
    parts.append(path)
    paths = [part for part in parts if isinstance(part, tuple)]
    value = {first: {inner[1]: "found" for inner in paths} for first, _ in paths}
    read = generated.template(parts, nowhere, "".join(path))
    assert read(value, SCOPE) == "".join("found" if isinstance(part, tuple) else part for part in parts)


def test_a_defect_is_found_in_the_lines_of_the_function_it_went_through() -> None:
    function = MetadataFunction("mapping.events.a[0]", nowhere)
    function.keys([("amount", reader(lambda _value, _scope: 1 // 0))])
    write = function.compiled(Counter())
    with pytest.raises(ZeroDivisionError) as caught:
        write({}, {}, SCOPE)
    place = traceback.extract_tb(caught.value.__traceback__)[1]
    assert place.filename == "<metadata 'mapping.events.a[0]'>"
    assert place.line is not None
    assert place.line.startswith("got = ")
