"""``track-bridge send``"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame import completion, output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.commands import command
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.inputs import sources
from bridge.text.amounts import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.cli.sending.one_record import Sent
    from bridge.cli.sending.step_chains import StepChain
    from bridge.inputs import records
    from bridge.model import Record, Request
    from bridge.track.credentials import ApiKey
    from bridge.track.request import Endpoint

_HIDDEN = b"Authorization: Token ****"


@about(
    ("Send one record, after showing its request and asking", "send event.json --topic shop.orders"),
    ("Send all of a file with a fifth of the rate limit", "send --file lost.ndjson --rate 20% --yes"),
    ("Resume where it was interrupted", "send --file lost.ndjson --from-line 4711"),
    findings="The API did not accept a request, or the record makes none; with `--file`, a line failed or is left.",
    unreachable="The API does not answer; with `--file`, no Kafka broker answers.",
)
def send(  # noqa: PLR0917 - options are parameters
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|-", show_default=False, help="A file with one record, or - for standard input (default)."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            show_default=False,
            help="All records of a file, one value a line, within the shared budget and in order per user.",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without asking.")] = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="The input is a whole record, with --file one a line: {topic, partition, offset, "
            "key, value, headers}.",
        ),
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The input is one value, byte for byte.")] = False,
    topic: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            autocompletion=completion.topics,
            help="The topic to assume for a value.",
        ),
    ] = None,
    rate: Annotated[
        str,
        typer.Option(metavar="SHARE|RATE", autocompletion=completion.shares, help=f"With --file. {startup.RATE_HELP}"),
    ] = "20%",
    from_line: Annotated[
        int | None,
        typer.Option(
            "--from-line",
            min=1,
            metavar="N",
            show_default=False,
            help="With --file: resume with this line; what fails is added to FILE.rejected.ndjson.",
        ),
    ] = None,
    schema: SchemaFiles = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document: the requests and their answers.")] = False,
) -> ExitCode:
    """Send one record, or with --file all of a file, and show the answer.

    Its requests are shown (of a file, counted) and confirmed first. Events, identifies and companies are real: they
    count, and cannot be taken back. Each step waits until the one before it was accepted. Of a file, each line ends
    accepted, left out by a rule, or with its reason in FILE.rejected.ndjson; the end says which line was the last one
    accepted, and how to resume.
    """
    from bridge.inputs import records

    form = records.form_of(is_record=record, is_raw=raw)
    if file is None:
        if from_line is not None:
            raise Misuse("--from-line is for --file.")
        start = startup.load_to_read(config, schema)
        return _one(start, source or sources.STDIN, form, topic, yes=yes, as_json=json)
    if source is not None:
        raise Misuse(f"Either --file {file}, for all of its records, or {source}, for the one it holds.")
    if str(file) == sources.STDIN:
        raise Misuse(
            "--file needs a file: what fails goes beside it, and what is left is sent from it with --from-line."
        )
    from bridge.cli.sending import send_file

    asked = send_file.SendFileRequest(file, form, topic, rate, from_line)
    return send_file.send_file(startup.load_to_read(config, schema), asked, yes=yes, as_json=json)


def _one(
    start: startup.LoadedConfiguration, source: str, form: records.Form, topic: str | None, *, yes: bool, as_json: bool
) -> ExitCode:
    from bridge.cli.samples import outcomes
    from bridge.cli.sending import one_record
    from bridge.cli.sending.step_chains import chains_of
    from bridge.mapping.review.explain import explain
    from bridge.text.printable import printable
    from bridge.track.request import Endpoint

    key = startup.api_key(start)
    if source == sources.STDIN and not yes:
        # The input and the answer to the question would come from the same place.
        raise Misuse("Reading from standard input leaves no way to ask: add --yes to send without being asked.")
    record, now = _record(source, form, topic), time.time()
    explanation = explain(start.mapping, record, now)
    chains = chains_of(start.mapping, record, now)
    requests = [request for chain in chains for request in chain.requests]
    endpoint = Endpoint.parse(start.config.track.endpoint)
    shown = [*outcomes.describe(explanation), *_remarks(start, chains), ""]
    exact = [line for request in requests for line in _as_sent(endpoint, request)]
    # Who reads the document is no person; who is asked must see what the question is about.
    if as_json:
        output.to_stderr([*shown, *exact])
    else:
        output.lines(shown)
        output.exactly(exact)
    question = f"Send {'this request' if len(requests) == 1 else f'these {len(requests)} requests'} to {endpoint}?"
    is_sent = bool(requests) and output.agreed(question, yes=yes, otherwise="add --yes to send without being asked")
    found = _send(start, key, chains) if is_sent else []
    if as_json:
        about = {
            "endpoint": start.config.track.endpoint,
            "sent": is_sent,
            "answers": [one_record.document(each) for each in found],
        }
        output.document(outcomes.document(explanation) | about)
    elif not requests:
        output.line("Nothing was sent: the record makes no request.")
    elif not is_sent:
        output.line("Nothing was sent.")
    answers = [one_record.answer(each) for each in found]
    for each in answers if not as_json else ():
        output.line(printable(each.sentence), each.style)
    codes = [each.code for each in answers]
    return max(codes, default=ExitCode.OK if requests else ExitCode.FINDINGS)


def _remarks(start: startup.LoadedConfiguration, chains: Sequence[StepChain]) -> list[str]:
    """What a bridge would do that this does not, and what is left out."""
    from bridge.model import IDENTIFY, TRACK

    lines = []
    left = sum(chain.left for chain in chains)
    if left:
        lines.append(f"  not sent: {plural(left, 'step')} behind one that cannot become a request")
    requests = [request for chain in chains for request in chain.requests]
    identified = {request.user_id for request in requests if request.kind is IDENTIFY}
    is_unknown = any(request.kind is TRACK and request.user_id not in identified for request in requests)
    if is_unknown and start.config.track.unknown_users == "identify":
        lines.append(
            "  a bridge would identify a user that it does not know first (track.unknown_users); this does not"
        )
    return lines


def _record(source: str, form: records.Form, topic: str | None) -> Record:
    from bridge.inputs import records

    found = list(records.read(source, form, topic))
    if len(found) != 1:
        file = "FILE" if source == sources.STDIN else source
        raise Misuse(
            f"The input has {plural(len(found), 'record')}; without --file exactly one is sent. "
            f"`{command('send', '--file', file, *records.options(form, topic))}` sends all of them."
        )
    return found[0]


def _as_sent(endpoint: Endpoint, request: Request) -> list[str]:
    """The request byte for byte, but for the key."""
    from bridge.text.printable import printable
    from bridge.track.request import head

    lines = head(request.kind, endpoint, _HIDDEN).decode("ascii").splitlines()
    return [*lines[:-1], f"{lines[-1]}{len(request.body)}", "", printable(request.body.decode()), ""]


def _send(start: startup.LoadedConfiguration, key: ApiKey, chains: Sequence[StepChain]) -> list[Sent]:
    import asyncio

    return asyncio.run(_exchange(start, key, chains))


async def _exchange(start: startup.LoadedConfiguration, key: ApiKey, chains: Sequence[StepChain]) -> list[Sent]:
    """One after the other, as the bridge sends the events of one user."""
    from bridge.cli.sending.one_record import StartableSink, exchange
    from bridge.track.build import build_sink

    sink: StartableSink = build_sink(start.config.track, max_in_flight=1, credentials=key, proxy=start.proxy)
    return await exchange(sink, chains)
