"""Functions of texts: what JMESPath Community says of them, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.failures import QueryTypeError
from bridge.mapping.expressions.expression import ExpressionError, compile_expression
from bridge.mapping.expressions.functions import arguments, texts
from bridge.mapping.expressions.queries import compile_query

DOCUMENT: dict[str, Any] = {
    "mail": "ada@lovelace.example",
    "path": "a/b//c",
    "blanks": " \t two words \n",
    "xx": "xaxxbxxx",
    "n": 5,
    "half": 2.5,
    "less": -1,
    "none": None,
    "list": ["a"],
    "empty": "",
}


def result(text: str, document: Any = DOCUMENT) -> Any:
    return compile_query(text)(document)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("split(mail, '@')", ["ada", "lovelace.example"]),
        ("split(mail, '@')[1]", "lovelace.example"),
        ("split(path, '/')", ["a", "b", "", "c"]),
        ("split(path, '/', `0`)", ["a/b//c"]),
        ("split(path, '/', `1`)", ["a", "b//c"]),
        ("split(path, '/', `3`)", ["a", "b", "", "c"]),
        ("split(path, '/', `99999999999999999999`)", ["a", "b", "", "c"]),
        ("split(path, '|')", ["a/b//c"]),
        ("split(path, '')", ["a", "/", "b", "/", "/", "c"]),
        ("split(path, '', `2`)", ["a", "/", "b//c"]),
        ("split(path, '', `0`)", ["a/b//c"]),
        ("split(path, '', `6`)", ["a", "/", "b", "/", "/", "c"]),
        ("split('', '')", []),
        ("split('', '/')", [""]),
        ("replace(xx, 'x', '-')", "-a--b---"),
        ("replace(xx, 'xx', '')", "xabx"),
        ("replace(xx, 'xx', '-', `1`)", "xa-bxxx"),
        ("replace(xx, 'x', '-', `0`)", "xaxxbxxx"),
        ("replace(xx, 'x', '-', `99999999999999999999`)", "-a--b---"),
        ("replace(xx, 'q', '-')", "xaxxbxxx"),
        ("trim(blanks)", "two words"),
        ("trim(blanks, '')", "two words"),
        ("trim(xx, 'x')", "axxb"),
        ("trim(xx, 'xa')", "b"),
        ("trim_left(blanks)", "two words \n"),
        ("trim_left(xx, 'x')", "axxbxxx"),
        ("trim_right(blanks)", " \t two words"),
        ("trim_right(xx, 'xb')", "xa"),
        ("trim(' \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}a\N{EM SPACE}')", "a"),
        ("pad_left('7', `3`)", "  7"),
        ("pad_left('7', `3`, '0')", "007"),
        ("pad_left('7777', `3`, '0')", "7777"),
        ("pad_left('7', `0`)", "7"),
        ("pad_left('7', `3.0`, '0')", "007"),
        ("pad_right('7', `3`)", "7  "),
        ("pad_right('7', `3`, '.')", "7.."),
        ("find_first(xx, 'x')", 0),
        ("find_first(xx, 'xx')", 2),
        ("find_first(xx, 'x', `1`)", 2),
        ("find_first(xx, 'x', `-2`)", 6),
        ("find_first(xx, 'b', `0`, `4`)", None),
        ("find_first(xx, 'b', `0`, `5`)", 4),
        ("find_first(xx, 'x', `-99`, `99`)", 0),
        ("find_first(xx, 'x', `99`)", None),
        ("find_first(xx, 'q')", None),
        ("find_first(xx, '')", None),
        ("find_first('', 'x')", None),
        ("find_last(xx, 'xx')", 6),
        ("find_last(xx, 'x', `0`, `4`)", 3),
        ("find_last(xx, 'a', `2`)", None),
        ("find_last(xx, '')", None),
    ],
)
def test_a_function_of_texts_gives_what_jmespath_community_says(text: str, expected: Any) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("split(n, '@')", "split() got a number; a string is needed"),
        ("split(none, '@')", "split() got null; a string is needed"),
        ("split(mail, list)", "split() got an array as its separator; a string is needed"),
        (
            "split(mail, '@', half)",
            "split() got a number with a fraction as its count; an integer that is not negative is",
        ),
        (
            "split(mail, '@', less)",
            "split() got a negative number as its count; an integer that is not negative is needed",
        ),
        ("replace(mail, '@', n)", "replace() got a number as its replacement; a string is needed"),
        ("replace(mail, empty, 'x')", "replace() got an empty string as its text to replace; a string is needed"),
        ("trim(list)", "trim() got an array; a string is needed"),
        ("trim(mail, n)", "trim() got a number as its characters; a string is needed"),
        ("pad_left(mail, mail)", "pad_left() got a string as its width; an integer from 0 to 10000 is needed"),
        ("pad_left(mail, half)", "pad_left() got a number with a fraction as its width"),
        ("pad_left(mail, less)", "pad_left() got a negative number as its width"),
        ("pad_left(mail, n, path)", "pad_left() got a string of 6 characters as its padding; one character is needed"),
        ("find_first(mail, n)", "find_first() got a number as its text to look for; a string is needed"),
        ("find_first(mail, '@', half)", "find_first() got a number with a fraction as its start; an integer is needed"),
        ("find_last(mail, '@', n, list)", "find_last() got an array as its end; an integer is needed"),
    ],
)
def test_a_wrong_type_is_a_failure_that_names_function_argument_and_type(text: str, sentence: str) -> None:
    with pytest.raises(QueryTypeError) as failure:
        result(text)
    assert sentence in str(failure.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("split(mail)", "gives split() 1 arguments; it takes 2 to 3"),
        ("trim()", "gives trim() 0 arguments; it takes 1 to 2"),
        ("find_first(a, 'b', `1`, `2`, `3`)", "it takes 2 to 4"),
        ("split(mail, `5`)", "calls split(), which got a number as its separator; a string is needed"),
        ("pad_left(mail, `1.5`)", "calls pad_left(), which got a number with a fraction as its width"),
        ("pad_left(mail, `1000000000`)", "calls pad_left(), which got a number beyond 10000 as its width"),
        ("pad_left(mail, `5`, '--')", "got a string of 2 characters as its padding; one character is needed"),
        ("replace(mail, '', 'x')", "calls replace(), which got an empty string as its text to replace"),
        ('split(mail, "@")', "a text is written '@'"),
        ("replace(mail, '@', \"-\")", "a text is written '-'"),
    ],
)
def test_what_is_written_out_wrongly_is_refused_before_a_record_comes(text: str, sentence: str) -> None:
    with pytest.raises(ExpressionError) as problem:
        compile_expression(text, "m")
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("split(long, ',')", f"split() got a string of more than {arguments.MOST_PARTS} parts"),
        ("split(long, '')", f"split() got a string of more than {arguments.MOST_PARTS} parts"),
        ("replace(long, ',', ten)", f"replace() has a result of more than {texts.MOST_CHARACTERS} characters"),
        ("pad_left('x', far)", f"pad_left() got a number beyond {texts.MOST_PADDED} as its width"),
        ("pad_right('x', far)", f"pad_right() got a number beyond {texts.MOST_PADDED} as its width"),
    ],
)
def test_no_text_of_a_record_makes_a_result_without_bound(text: str, sentence: str) -> None:
    document = {"long": "," * arguments.MOST_PARTS, "ten": "-" * 100, "far": 10**9}

    with pytest.raises(QueryTypeError) as failure:
        result(text, document)

    assert str(failure.value).startswith(sentence)


def test_a_long_text_that_gets_shorter_or_few_parts_is_no_matter_of_bounds() -> None:
    document = {"long": "ab" * texts.MOST_CHARACTERS}

    assert len(result("replace(long, 'ab', 'a')", document)) == texts.MOST_CHARACTERS
    assert len(result("split(long, 'b', `3`)", document)) == 4


@given(st.lists(st.text(alphabet="ab,", max_size=5).map(lambda text: text.replace(",", "")), min_size=1), st.just(","))
def test_what_join_puts_together_split_takes_apart(parts: list[str], joint: str) -> None:
    document = {"parts": parts}

    assert result(f"split(join('{joint}', parts), '{joint}')", document) == parts


@given(st.text(), st.text(min_size=1, max_size=2), st.integers(0, 4))
def test_split_gives_parts_that_join_to_what_there_was(text: str, separator: str, most: int) -> None:
    document = {"text": text, "separator": separator, "most": most}

    parts = result("split(text, separator, most)", document)

    assert separator.join(parts) == text
    assert len(parts) <= most + 1
