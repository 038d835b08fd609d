"""Where a bridge listens, read from a configuration of which anything else may be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.listening import ListenUnknownError, address


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.yaml"


@pytest.mark.parametrize(
    ("listen", "asked"),
    [
        ("0.0.0.0:9465", "127.0.0.1:9465"),
        ("'[::]:9465'", "[::1]:9465"),
        ("':9465'", "127.0.0.1:9465"),
        ("127.0.0.1:9465", "127.0.0.1:9465"),
        ("'[fd00::1]:9465'", "[fd00::1]:9465"),
        ("10.1.2.3:80", "10.1.2.3:80"),
        ("localhost:9465", "localhost:9465"),
        ("0.0.0.0:${PORT}", "127.0.0.1:7000"),
        ("'${HOST:-127.0.0.1}:9465'", "127.0.0.1:9465"),
    ],
)
def test_a_bridge_that_listens_anywhere_is_asked_on_this_machine(path: Path, listen: str, asked: str) -> None:
    path.write_text(f"observability:\n  listen: {listen}\n", "utf-8")
    assert address(path, {"PORT": "7000"}) == asked


@pytest.mark.parametrize("text", ["kafka: {}\n", "observability:\n", "observability:\n  log_level: nonsense\n"])
def test_without_the_key_it_is_where_a_bridge_listens_by_itself(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    assert address(path, {}) == "127.0.0.1:9464"


def test_what_else_is_wrong_with_the_file_does_not_matter(path: Path) -> None:
    path.write_text(
        "kafka:\n  topics: 7\ntrack:\n  api_key: ${NOWHERE}\n  api_key_file: ${file:/nowhere}\nnonsense: 1\n"
        "observability:\n  listen: 127.0.0.1:9465\n  more: nonsense\n",
        "utf-8",
    )
    assert address(path, {}) == "127.0.0.1:9465"


def test_the_environment_wins_even_over_a_file_that_cannot_be_read(path: Path) -> None:
    assert address(path, {"BRIDGE_OBSERVABILITY__LISTEN": "[::]:1234"}) == "[::1]:1234"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("observability:\n  listen: nowhere\n", "observability.listen: must be an address and a port"),
        ("observability:\n  listen: 9464\n", "observability.listen: must be an address and a port"),
        ("observability:\n  listen: 0.0.0.0:${PORT}\n", "observability.listen: "),
        ("observability:\n  listen: 127.0.0.1:0\n", "observability.listen has port 0"),
        ("observability: [1]\n", "observability: must be a map"),
        ("- 1\n", "must be a map"),
        ("a: {b\n", ""),
        (None, "does not exist"),
    ],
)
def test_what_does_not_say_it_is_refused_in_one_sentence_that_names_the_file_and_the_way_out(
    path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(ListenUnknownError) as refused:
        address(path, {})
    message = str(refused.value)
    assert message.startswith(str(path))
    assert said in message
    assert "--url" in message
    assert "\n" not in message


def test_a_file_beside_the_configuration_says_it_as_the_bridge_itself_reads_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("observability:\n  listen: ${file:address}\n", "utf-8")
    (tmp_path / "address").write_text("127.0.0.1:9465\n")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert address(path, {}) == "127.0.0.1:9465"
    monkeypatch.chdir(tmp_path)
    assert address(Path("bridge.yaml"), {}) == "127.0.0.1:9465"
