"""Files that people give to commands: every form a line can have, and what is none, for each command that takes one."""

from __future__ import annotations

import gzip
import itertools
import json
from codecs import BOM_UTF8, BOM_UTF16_LE
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from bridge.errors import Misuse
from bridge.inputs import records, sources
from bridge.inputs.records import Form
from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
ORDER = '{"type": "order.completed", "id": "e-1", "data": {"user_id": "u-1", "amount": 12.5}}'
KCAT = json.dumps({"topic": "shop.orders", "partition": 3, "offset": 17, "key": None, "payload": ORDER})
LETTER = '{"version": 1, "id": "0:1", "record_sha256": "", "key": null, "value": null, "headers": []}'

COMMANDS = {
    "map": "map {file}",
    "map --record": "map {file} --record",
    "send": "send {file} --yes",
    "send --file": "send --file {file} --yes",
    "dlq import": "dlq import {file} --note test --yes",
}


@pytest.fixture
def refusal(cli: Cli, config: Write) -> Callable[[str, Path], str]:
    """What a command says of a file that it refuses."""

    def refusal(line: str, file: Path) -> str:
        ran = cli(*[word.format(file=file) for word in line.split()], "-c", config())
        assert (ran.code, ran.out) == (2, ""), ran
        return ran.err

    return refusal


each_command = pytest.mark.parametrize("line", COMMANDS.values(), ids=list(COMMANDS))


@each_command
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_named_with_the_cure(
    refusal: Callable[[str, Path], str], tmp_path: Path, line: str, encoding: str
) -> None:
    file = tmp_path / "input"
    file.write_text(f"{LETTER}\n", encoding=encoding)

    assert refusal(line, file) == f"{file} is UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8).\n"


@each_command
@pytest.mark.parametrize("cut", [slice(0, 20), slice(0, -4)])
def test_a_compressed_file_that_is_damaged_is_named_with_the_cure(
    refusal: Callable[[str, Path], str], tmp_path: Path, line: str, cut: slice
) -> None:
    file = tmp_path / "input.gz"
    file.write_bytes(gzip.compress(LETTER.encode())[cut])

    assert refusal(line, file).startswith(f"{file} is compressed with gzip, and ends too early: make it again")
    file.write_bytes(b"\x1f\x8b" + LETTER.encode())
    assert refusal(line, file).startswith(f"{file} is compressed with gzip, and damaged: make it again")


def test_what_gzip_made_is_read_as_what_is_in_it_in_several_members_too(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    content = BOM_UTF8 + "\r\n".join(f'{{"n": {n}, "text": "{"x" * n}"}}' for n in range(1000)).encode()
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content[:70_001]) + gzip.compress(content[70_001:]))
    found = [
        [(number, text) for number, text, _ in records.numbered(str(each), Form.VALUES, "t")]
        for each in (plain, packed)
    ]
    assert len(found[0]) == 1000
    assert found[0] == found[1]


def test_little_that_unpacks_to_very_much_is_refused_before_it_is_all_there() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(Misuse, match="unpacks to more than 1 MB"):
        list(records.uploaded("bomb.gz", bomb, Form.VALUES, None, 1_000_000))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1}{"b": 2} {"c": "}{"}', [(1, '{"a": 1}'), (1, '{"b": 2}'), (1, '{"c": "}{"}')]),
        ('{"a": 1}\n{"b": 2}{"c": 3}\n', [(1, '{"a": 1}'), (2, '{"b": 2}'), (2, '{"c": 3}')]),
        ('{\n  "a": 1\n}\n{\n  "b": "é"\n}\n', [(1, '{\n  "a": 1\n}'), (4, '{\n  "b": "é"\n}')]),
        ('{"c": "}{"}\n{"d": 1}', [(1, '{"c": "}{"}'), (2, '{"d": 1}')]),
        ('{"a": 1}{"b":', [(1, '{"a": 1}{"b":')]),
        ("{}{}", [(1, "{}{}")]),
    ],
)
def test_objects_one_after_the_other_are_a_value_each(
    tmp_path: Path, content: str, expected: list[tuple[int, str]]
) -> None:
    file = tmp_path / "input"
    file.write_text(content)
    found = list(records.numbered(str(file), Form.VALUES, "t"))
    assert [(number, text.decode()) for number, text, _ in found] == expected
    assert len({record.identity for _, _, record in found}) == len(expected), "each is an event of its own"


@each_command
def test_a_directory_a_missing_file_and_an_empty_one_are_named(
    refusal: Callable[[str, Path], str], tmp_path: Path, line: str
) -> None:
    (tmp_path / "empty").write_bytes(BOM_UTF8 + b"\r\n \n")

    assert refusal(line, tmp_path) == f"{tmp_path} cannot be read: Is a directory.\n"
    assert refusal(line, tmp_path / "none") == f"{tmp_path / 'none'} cannot be read: No such file or directory.\n"
    said = refusal(line, tmp_path / "empty")
    assert "empty" in said or "0 records" in said


@pytest.mark.parametrize("form", [Form.VALUES, Form.RECORDS])
def test_marks_carriage_returns_and_blank_lines_are_no_part_of_a_value(tmp_path: Path, form: Form) -> None:
    file = tmp_path / "input"
    line = b'{"topic": "t", "partition": 1, "offset": 2, "payload": "x"}' if form is Form.VALUES else b'{"topic": "t"}'
    file.write_bytes(BOM_UTF8 + b"\r\n" + line + b"\r\n\r\n  \n" + line)

    assert [(number, text) for number, text, _ in records.numbered(str(file), form, None)] == [(2, line), (5, line)]


def test_an_array_of_kcats_objects_is_the_records_they_were(tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_bytes(BOM_UTF8 + f"[{KCAT},\r\n {KCAT}]".encode())

    found = list(records.read(str(file), Form.VALUES))
    assert [(each.coordinates, each.value) for each in found] == [("shop.orders/3/17", ORDER.encode())] * 2


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\r", b"\n\n"])
def test_reading_line_by_line_finds_what_reading_at_once_would(tmp_path: Path, separator: bytes) -> None:
    pieces = (b"{}", b'{"a": [1]}', b"[1, 2]", b"{", b"}", b"[", b"]", b"7", b"{broken", b" ", b'"text"', b"1e999")
    file = tmp_path / "input"
    for chosen in itertools.chain.from_iterable(itertools.product(pieces, repeat=count) for count in (1, 2, 3)):
        content = separator.join(chosen)
        file.write_bytes(content)
        found = [(number, text) for number, text, _ in records.numbered(str(file), Form.VALUES, "t")]
        assert found == _at_once(content), content


def _at_once(content: bytes) -> list[tuple[int, bytes]]:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return [(number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]
    return list(enumerate(records._elements(content.strip()), start=1))


@pytest.mark.parametrize(("form", "option"), [(ORDER, ()), (f'{{"topic": "t", "value": {ORDER}}}', ("--record",))])
def test_input_without_an_end_is_read_as_far_as_it_is_wanted(
    cli: Cli, config: Write, monkeypatch: pytest.MonkeyPatch, form: str, option: tuple[str, ...]
) -> None:
    endless = itertools.repeat(f"{form}\n".encode())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=endless, isatty=lambda: False))
    ran = cli("map", "-", "--limit", "3", "--json", *option, "-c", config())

    assert (ran.code, len(ran.out.splitlines())) == (0, 3)


def test_raw_keeps_every_byte_also_of_what_looks_like_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "input"
    for content in (BOM_UTF16_LE + b"x\0", BOM_UTF8 + b"{}\r\n", b"\x1f\x8b\n\n", b""):
        file.write_bytes(content)
        ((number, text, record),) = records.numbered(str(file), Form.RAW, None)
        assert (number, text, record.value) == (1, content, content)


def test_a_file_to_send_is_a_file(cli: Cli, config: Write) -> None:
    ran = cli("send", "--file", "-", "--yes", "-c", config())

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("--file needs a file: what fails goes beside it")


def test_lines_keep_their_numbers_and_lose_only_their_ends() -> None:
    assert list(sources.lines([b" a \r\n", b"\n", b"b\rc\n", b"d"])) == [(1, b" a "), (3, b"b"), (4, b"c"), (5, b"d")]


@pytest.mark.parametrize("line", ["map {file} --record", "send --file {file} --record --yes"])
def test_every_line_that_is_no_record_is_named_at_once(
    refusal: Callable[[str, Path], str], tmp_path: Path, line: str
) -> None:
    file = tmp_path / "input"
    file.write_text('{broken\n{"topic": "t", "value": 1}\n{"topic": 3, "offsets": 1}\n')
    said = refusal(line, file).splitlines()

    assert [each.partition(", ")[2].partition(":")[0] for each in said] == ["line 1", "line 3", "line 3"]
    file.write_text("{broken\n" * 100)
    assert len(refusal(line, file).splitlines()) == 21


def test_every_line_that_no_export_wrote_is_named_at_once(refusal: Callable[[str, Path], str], tmp_path: Path) -> None:
    file = tmp_path / "input"
    file.write_text(f"{{}}\n{LETTER}\n[]\n")

    assert refusal(COMMANDS["dlq import"], file) == (
        f"{file}, line 1: is not a line of an export. Nothing was recorded.\n"
        f"{file}, line 3: is not a line of an export. Nothing was recorded.\n"
    )


def test_a_line_that_is_no_record_is_named_although_its_input_goes_on(
    cli: Cli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = itertools.chain([b'{"topic": "t"}\n', b"{broken\n"], itertools.repeat(b'{"topic": "t"}\n'))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=endless, isatty=lambda: False))
    ran = cli("map", "-", "--record", "--json", "-c", config())

    assert (ran.code, len(ran.out.splitlines())) == (2, 1)
    assert ran.err.startswith("standard input, line 2: is not JSON")
