from __future__ import annotations

from pathlib import Path

import hypothesis
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.everyday import examples
from tests.fuzz.configuration import check_configuration
from tests.fuzz.targets import CORPUS

ROOT = Path(__file__).parents[3]
EXAMPLE = (ROOT / "bridge.example.yaml").read_text().splitlines()
SMALL = (CORPUS / "configuration" / "a-small-one").read_bytes().partition(b"v")[2].decode()
TREE = yaml.safe_load(SMALL)
WORDS = st.sampled_from(
    [
        "~", "null", "NO", "0x10", "-.inf", "1e400", "12:30", "'", '"', "{", "[", "&a", "*a", "!!binary x", "<<: *a",
        "? x", "|", "- ", ": ", "#", "\t", "${X}", "${X:-}", "${", "$${", "${file:/nowhere}", "10s", "1/min", "^(",
        "a.*", "data[?", "`", "@", "\x07", "\ufeff", "\ud800", "é", "9" * 5000, "earliest", "unlimited",
        "{template: '{a'}", "https://[::1", "drop",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
VARIABLES = ["X", "BRIDGE_TRACK__API_KEY", "BRIDGE_DELIVERY__RATE_LIMIT", "BRIDGE_MAPPING", "BRIDGE_KAFKA__TOPICS"]
ENVIRON = st.dictionaries(st.sampled_from(VARIABLES), WORDS, max_size=2)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """The small file after a few slips: a word put in, some characters gone, a line twice or elsewhere."""
    text = SMALL
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 2)):
            case 0:
                text = text[:at] + draw(WORDS) + text[at:]
            case 1:
                text = text[:at] + text[at + draw(st.integers(1, 9)) :]
            case _:
                lines = text.splitlines(keepends=True)
                lines.insert(at % (len(lines) + 1), lines[at % len(lines)] if lines else "")
                text = "".join(lines)
    return encoded(text)


@st.composite
def replaced(draw: st.DrawFn) -> bytes:
    """The small file with another value somewhere in it, of any type."""

    def walk(node: object) -> object:
        if draw(st.integers(0, 9)) == 0:
            return draw(VALUES)
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        return [walk(item) for item in node] if isinstance(node, list) else node

    return encoded(yaml.safe_dump(walk(TREE), allow_unicode=True).replace("\\uD800", "x"))


@settings(max_examples=examples(300))
@given(edited() | replaced() | st.binary(max_size=50), ENVIRON)
def test_a_broken_file_is_a_list_of_clean_lines_and_never_an_exception(content: bytes, environ: dict[str, str]) -> None:
    check_configuration(content, environ)


@settings(max_examples=12, phases=[hypothesis.Phase.generate])
@given(st.data())
def test_the_shipped_example_with_lines_missing_or_changed_is_a_list_of_clean_lines(data: st.DataObject) -> None:
    lines = list(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key = lines[at].partition(":")[0]
        lines[at] = data.draw(st.just("") | st.builds("{}: {}".format, st.just(key), WORDS))
    check_configuration(encoded("\n".join(lines)), {})
