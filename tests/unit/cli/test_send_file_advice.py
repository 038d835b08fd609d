"""What `track-bridge send --file` advises to type means the same records as what was typed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli.app import app
from bridge.cli.sending.send_file import SendFileRequest
from bridge.inputs.records import Form


def _given(line: str) -> dict[str, Any]:
    """The options of a command line, as its command hears them."""
    _, name, *rest = shlex.split(line)
    root: Any = typer.main.get_command(app)
    context = root.make_context("bridge", [name, *rest])
    _, command, words = context.command.resolve_command(context, [*context._protected_args, *context.args])
    return dict(command.make_context(name, words, parent=context).params)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("topic", [None, "shop.orders"])
@pytest.mark.parametrize("file", ["a file.ndjson", "-x.ndjson"])
def test_the_command_that_resumes_a_file_reads_the_same_records_from_it(
    form: Form, topic: str | None, file: str
) -> None:
    asked = SendFileRequest(Path(file), form, topic, "60/min", 1)
    resumed, shown = _given(asked.resumed_by(7)), _given(asked.shown_by)

    assert (resumed["file"], resumed["from_line"], resumed["rate"]) == (asked.source, 7, "60/min")
    assert (resumed["topic"], *(shown["topic"] or [None])) == (topic, topic)
    assert shown["source"] == file
    for given in (resumed, shown):
        assert (given["record"], given["raw"]) == (form is Form.RECORDS, form is Form.RAW)
