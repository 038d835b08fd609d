"""``track-bridge fmt``"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text.amounts import plural

_STDIN = "-"
_ABSENT = "does not exist; name a file that does, or none for the configuration in use"


@about(
    ("Format ./bridge.yaml", "fmt"),
    ("In a build: is it formatted, and what would change", "fmt --check --diff bridge.yaml"),
    findings="With --check: a file would change.",
)
def fmt(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Configurations; - for standard input. Left out: the one that --config or its defaults name.",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 where something would change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document: of each file what became of it.")] = False,
) -> ExitCode:
    """Format a configuration: keys in the order of the example, two spaces.

    Comments and blank lines stay with the key they are at. What the file means never changes: that is compared before
    anything is written, and a file that cannot be formatted safely is left as it is.
    """
    from bridge.config import load
    from bridge.errors import InvalidError

    names = list(files or [str(_configured(config))])
    if json and _STDIN in names:
        raise Misuse("--json has no place for a text: name a file instead of -.")
    results: list[dict[str, Any]] = []
    empty: list[str] = []
    for name in names:
        text = _read(name, _ABSENT if files else load.ABSENT)
        empty += [] if text.strip("\ufeff\r\n\t ") else [name]
        try:
            done = _formatted(text)
        except InvalidError as problem:
            results.append({"file": name, "changed": False, "refused": str(problem)})
            continue
        results.append({"file": name, "changed": done != text, "refused": None})
        if diff and not json:
            _show(name, text, done)
        if name == _STDIN and not (check or diff):
            sys.stdout.write(done)
        elif done != text and not (check or diff):
            _write(Path(name), done)
    if json:
        output.document({"files": results, "written": not (check or diff)})
    else:
        _tell(results, empty, check=check, diff=diff)
    if any(each["refused"] for each in results):
        return ExitCode.USAGE
    return ExitCode.FINDINGS if check and any(each["changed"] for each in results) else ExitCode.OK


def _tell(results: Sequence[Mapping[str, Any]], empty: Sequence[str], *, check: bool, diff: bool) -> None:
    for name in empty:
        output.notice(f"{'Standard input' if name == _STDIN else name} is empty: there is nothing to format.")
    for each in results:
        if each["refused"]:
            output.notice(f"{each['file']}: {each['refused']}.")
        elif each["changed"] and not diff and each["file"] != _STDIN:
            output.line(f"{each['file']}: {'would be formatted' if check else 'formatted'}")
    as_they_are = [each for each in results if each["file"] not in empty]
    if as_they_are and not any(each["changed"] or each["refused"] or each["file"] == _STDIN for each in as_they_are):
        output.line(f"{plural(len(as_they_are), 'file')} formatted already.")


def _configured(config: Path | None) -> Path:
    from bridge.config import environment
    from bridge.config.keys.problems import ConfigError

    try:
        return environment.config_file(config, environment.variables())
    except ConfigError as nowhere:
        raise Misuse(str(nowhere)) from nowhere


def _formatted(text: str) -> str:
    from bridge.formatting.format_text import formatted

    return formatted(text)


def _read(name: str, absent: str) -> str:
    """As it is, with its line ends and its byte order mark; `absent` says what to do where there is no such file."""
    from bridge.config import load

    if name == _STDIN:
        content = sys.stdin.buffer.read()
    else:
        _, problem = load.text_of(Path(name), absent)
        if problem is not None:
            raise Misuse(str(problem))
        content = Path(name).read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Misuse(f"{name} is not UTF-8 text; save it as UTF-8") from None


def _write(path: Path, text: str) -> None:
    """At once or not at all: beside the file first, and with its permissions."""
    import os
    import shutil
    import tempfile

    whole = path.resolve()
    try:
        handle, beside = tempfile.mkstemp(dir=whole.parent, prefix=f".{whole.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
            shutil.copymode(whole, beside)
            Path(beside).replace(whole)
        except OSError:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Misuse(f"{path} cannot be written ({error.strerror}); check who owns it and its folder") from error


def _show(name: str, before: str, after: str) -> None:
    import difflib

    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (formatted)", lineterm="")
    output.exactly(lines)
