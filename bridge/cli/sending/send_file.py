"""``track-bridge send --file``: every record of a file, in order per user, within the budget that replicas share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bridge.cli.frame import output, running, startup
from bridge.commands import Operand, command
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.inputs.records import Form
    from bridge.model import DeadLetter
    from bridge.reprocess.sending.file_sending import FileLine, SendTally


class Rejected:
    """The file beside the input: one JSON object for each event that failed for good. Made with the first of them.

    A sending that resumes adds to the file of the one before, and what that says already is not said twice: lines after
    the one where it resumes may fail again.
    """

    def __init__(self, source: Path, *, resumes: bool) -> None:
        """Raises `Misuse` where there is one that this sending does not resume: it is somebody's work, not done yet."""
        self.path = source.with_name(f"{source.name}.rejected.ndjson")
        self.count = 0
        self._file: TextIO | None = None
        self.adds = resumes and self.path.exists()
        if self.path.exists() and not resumes:
            raise Misuse(
                f"{self.path} exists: it holds what an earlier sending of this file could not send. Move it away "
                "first, or resume that sending with --from-line, which adds to it."
            )
        earlier = self._earlier() if self.adds else ""
        self._said = {key for line in earlier.split("\n") if (key := _failure(line)) is not None}
        self._before = "\n" if earlier and not earlier.endswith("\n") else ""

    def _earlier(self) -> str:
        try:
            return self.path.read_text("utf-8", "backslashreplace")
        except OSError as error:
            raise Misuse(f"{self.path} cannot be read: {error.strerror}.") from error

    def add(self, line: FileLine, letter: DeadLetter) -> None:
        """One event; on the disk when this returns."""
        import os

        from bridge.decode import exact_json

        if self._file is None:
            # Like the records themselves: for nobody else on this machine.
            how = os.O_APPEND if self.adds else os.O_EXCL
            made = os.open(self.path, os.O_WRONLY | os.O_CREAT | how, 0o600)
            self._file = os.fdopen(made, "a", encoding="utf-8", errors="backslashreplace")
            self._file.write(self._before)
        entry = {
            "line": line.number,
            "reason": letter.reason.value,
            "status": letter.status,
            "detail": letter.message,
            "route": None if letter.route is None else letter.route.name,
            **_step(letter),
            "input": line.text,
        }
        self.count += 1
        text = exact_json.text_of(entry)
        if _failure(text) not in self._said:
            self._file.write(f"{text}\n")
            self._file.flush()

    def close(self) -> None:
        """Nothing more comes."""
        if self._file is not None:
            self._file.close()


def _step(letter: DeadLetter) -> dict[str, Any]:
    """Which step of its line's record failed, and of which kind: those behind it were not sent. Nothing of others."""
    from bridge.model import TRACK

    kind = {} if letter.kind == TRACK.name else {"kind": letter.kind}
    step = letter.step
    if step is None:
        return kind
    return {**kind, "step": f"{step.number + 1}/{step.of}", **({"automatic": True} if step.automatic else {})}


def _failure(text: str) -> tuple[Any, ...] | None:
    """What an entry is about, without the detail: an answer's text may differ each time."""
    import json

    try:
        entry = json.loads(text)
        return tuple(str(entry[part]) for part in ("line", "reason", "status", "route", "input"))
    except (ValueError, KeyError, TypeError):
        return None  # Somebody's own line.


@dataclass(frozen=True, slots=True)
class SendFileRequest:
    """The file, and how it is to be sent."""

    source: Path
    form: Form
    topic: str | None
    rate: str
    """As it was typed."""
    first: int | None
    """The line where an earlier sending resumes; None: all of the file, for the first time."""

    @property
    def shown_by(self) -> str:
        """The command that shows what its lines become."""
        from bridge.inputs import records

        return command("map", Operand(self.source), *records.options(self.form, self.topic))

    def resumed_by(self, line: int) -> str:
        """The command that sends the rest, as the same records."""
        from bridge.inputs import records

        options = (*records.options(self.form, self.topic), "--rate", self.rate)
        return command("send", "--file", str(self.source), *options, "--from-line", str(line))


def send_file(start: startup.LoadedConfiguration, asked: SendFileRequest, *, yes: bool, as_json: bool) -> ExitCode:
    """Show what the file comes to, ask, send, and say what became of it."""
    rate = startup.requests_per_second(asked.rate, start.config.delivery.rate_limit)
    key = startup.api_key(start)
    lines = _lines(asked)
    rejected = Rejected(asked.source, resumes=asked.first is not None)
    if rejected.adds:
        output.notice(f"{rejected.path} has what was rejected before: what fails now is added to it.")
    sends = _expected(start, asked, lines, to_stderr=as_json)
    question = f"Send {plural(sends, 'request')} to {start.config.track.endpoint}?"
    if not output.agreed(question, yes=yes, otherwise="add --yes to send without being asked"):
        return _not_sent(lines, rejected, as_json=as_json)
    ends = _letters_end(start)
    from bridge.service import side_traffic

    try:
        tally = running.send(
            start,
            key,
            len(lines),
            lambda setting, started: side_traffic.send(
                lines, rate, setting, letters_end=ends, rejected=rejected.add, started=started
            ),
        )
    finally:
        rejected.close()
    return _end(tally, rejected, asked, as_json=as_json)


def _not_sent(lines: Sequence[FileLine], rejected: Rejected, *, as_json: bool) -> ExitCode:
    from bridge.reprocess.sending.file_sending import SendTally

    output.result(_document(SendTally(lines), rejected), "Nothing was sent.", as_json=as_json)
    return ExitCode.OK


def _lines(asked: SendFileRequest) -> list[FileLine]:
    from bridge.inputs import records
    from bridge.sending.preview import file_lines

    source = str(asked.source)
    return file_lines(records.numbered(source, asked.form, asked.topic), source, asked.first)


def _expected(
    start: startup.LoadedConfiguration, asked: SendFileRequest, lines: Sequence[FileLine], *, to_stderr: bool
) -> int:
    """Says what becomes of the lines under the mapping; how many requests it is."""
    from bridge.model import KINDS, TRACK
    from bridge.sending.preview import preview

    found = preview(start.mapping, lines, time.time())
    of_kinds = ", ".join(f"{thousands(found.kinds[kind.name])} {kind.name}" for kind in KINDS if found.kinds[kind.name])
    rows = [
        (thousands(found.records), "records in the file"),
        (thousands(found.requests), f"requests ({of_kinds})" if {*found.kinds} - {TRACK.name} else "requests"),
        (thousands(found.left_out), f"left out, by a rule of the mapping (`{asked.shown_by}` says which)"),
        (thousands(found.failures), f"cannot become a request (`{asked.shown_by}` says why)"),
    ]
    shown = tables.table([row for row in rows if row[0] != "0"], right=(0,))
    output.to_stderr(shown) if to_stderr else output.lines(shown)
    return found.requests


def _letters_end(start: startup.LoadedConfiguration) -> dict[int, int]:
    from bridge.sending.letters_end import ends_of

    return ends_of(*startup.connect(start), start.config.dead_letter.topic)


def _end(tally: SendTally, rejected: Rejected, asked: SendFileRequest, *, as_json: bool) -> ExitCode:
    if as_json:
        output.document(_document(tally, rejected))
    else:
        output.lines(_summary(tally, rejected, asked))
    if tally.interrupted:
        return ExitCode.INTERRUPTED
    if tally.refused:
        return ExitCode.USAGE
    return ExitCode.FINDINGS if tally.left or rejected.count else ExitCode.OK


def _summary(tally: SendTally, rejected: Rejected, asked: SendFileRequest) -> list[str]:
    from bridge.reprocess.sending.file_sending import LineFate
    from bridge.text.printable import printable

    rows = [
        (tally.fates[LineFate.ACCEPTED], "accepted by the API"),
        (tally.fates[LineFate.LEFT_OUT], "left out, by a rule of the mapping"),
        (tally.fates[LineFate.REJECTED], "rejected"),
        (tally.left, "not sent, or without an answer"),
    ]
    lines = tables.table([(thousands(count), text) for count, text in rows if count], right=(0,))
    lines += [f"  {thousands(count)} {reason}" for reason, count in tally.reasons.most_common()]
    if rejected.count:
        lines.append(f"What failed, and why: {rejected.path}")
    if tally.ambiguous:
        lines.append(f"{plural(tally.ambiguous, 'request')} without an answer may have arrived twice.")
    if tally.stopped:
        lines.append(printable(f"Stopped: {tally.stopped}."))
    if tally.last_accepted is not None:
        lines.append(f"The last line accepted is {tally.last_accepted}.")
    if tally.next_line is not None:
        again = asked.resumed_by(tally.next_line)
        lines.append(
            f"Every line before {tally.next_line} is through: `{again}` resumes there, and sends those after it once "
            "more that were accepted meanwhile."
        )
    return lines


def _document(tally: SendTally, rejected: Rejected) -> dict[str, Any]:
    from bridge.reprocess.sending.file_sending import LineFate

    return {
        "records": len(tally.lines),
        **{fate.value: tally.fates[fate] for fate in LineFate},
        "left": tally.left,
        "failures": dict(tally.reasons),
        "requests": tally.requests,
        "ambiguous": tally.ambiguous,
        "last_accepted_line": tally.last_accepted,
        "next_line": tally.next_line,
        "rejected_file": str(rejected.path) if rejected.count else None,
        "stopped": tally.stopped,
    }
