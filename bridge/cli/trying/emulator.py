"""``track-bridge emulator``"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from bridge.cli.frame.help import about
from bridge.errors import Misuse

Value = TypeVar("Value")
_DEFAULT_KEY = "NX-emulator"
_UNKNOWN_USERS = {"accept": None, "400": 400, "404": 404}


@about(
    ("The Track API to try against, with a page", "emulator"),
    ("One request in ten fails, and every answer takes 200 ms", "emulator --fault 503:10% --latency 200ms"),
    ("For a test in CI: a line of JSON for each request", "emulator --listen 127.0.0.1:0 --any-key --json"),
    unreachable="The address of `--listen` cannot be had.",
)
def emulator(  # noqa: PLR0917 - options are parameters
    listen: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", help="Where it listens; port 0 takes a free one."),
    ] = "127.0.0.1:8080",
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", show_default=False, help=f"An API key that is accepted ({_DEFAULT_KEY}). May be repeated."
        ),
    ] = None,
    any_key: Annotated[bool, typer.Option("--any-key", help="Accept every API key.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAULT",
            show_default=False,
            help="What goes wrong, and when: 503, 503:10%, 429:retry-after=60, timeout:for=30s, 500:times=3,event=NAME"
            ", reset:user=ID, 503:accepts, slow:by=2s, cut-off, drip, close, reset-unread; also after=, path=. May "
            "be repeated: the first that fits decides.",
        ),
    ] = None,
    latency: Annotated[
        str | None, typer.Option(metavar="DURATION", show_default=False, help="Before every answer: 200ms.")
    ] = None,
    rate_limit: Annotated[
        str, typer.Option(metavar="RATE", help="Events let through, more are answered 429; unlimited lifts it.")
    ] = "600/min",
    identify_rate_limit: Annotated[
        str, typer.Option(metavar="RATE", help="The same for users and companies.")
    ] = "600/min",
    retry_after: Annotated[
        bool, typer.Option("--retry-after", help="A 429 says when to come back, which is not documented.")
    ] = False,
    unknown_users: Annotated[
        str, typer.Option(metavar="WHAT", help="Events of users nobody identified: accept, 400 or 404.")
    ] = "accept",
    company_id_field: Annotated[
        str, typer.Option(metavar="NAME", help="What a company within an identify must have: id or company_id.")
    ] = "id",
    no_imports: Annotated[bool, typer.Option("--no-imports", help="The plan has no imports: 401.")] = False,
    remote_faults: Annotated[
        bool, typer.Option("--remote-faults", help="Faults may be switched from other machines, too.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Which requests 10% hits, again.")] = 0,
    last: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="How many requests it keeps to show.")
    ] = 500,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each request.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="NDJSON: listening, each request, a summary.")] = False,
) -> int:
    """Serve an emulated Track API to try against: it checks requests as documented, fails as told, shows what came.

    Nothing is sent to Userpilot. Its page is at the same address, and switches the faults while it runs.
    """
    from bridge.config.keys import scalars
    from bridge.emulator import fault_words, run
    from bridge.emulator.run import EmulatorOptions
    from bridge.service.main import on_loop

    if key and any_key:
        raise Misuse("--any-key accepts every key, so that --key means nothing: leave one of them out.")
    if company_id_field not in ("id", "company_id"):
        raise Misuse(f"--company-id-field must be id or company_id, not {company_id_field}.")
    if unknown_users not in _UNKNOWN_USERS:
        raise Misuse(f"--unknown-users must be accept, 400 or 404, not {unknown_users}.")
    try:
        faults = fault_words.read_all(fault or ())
    except ValueError as problem:
        raise Misuse(f"--fault: {problem}") from problem
    options = EmulatorOptions(
        listen=_read("--listen", listen, scalars.listen),
        keys=None if any_key else tuple(key or (_DEFAULT_KEY,)),
        faults=faults,
        latency=0.0 if latency is None else _read("--latency", latency, scalars.duration),
        rate=_read("--rate-limit", rate_limit, scalars.rate),
        identify_rate=_read("--identify-rate-limit", identify_rate_limit, scalars.rate),
        retry_after=retry_after,
        unknown_users=_UNKNOWN_USERS[unknown_users],
        company_id_field=company_id_field,
        has_imports=not no_imports,
        remote_faults=remote_faults,
        seed=seed,
        keeps=last,
        quiet=quiet,
        as_json=as_json,
    )
    return int(on_loop(run.serve(options)))


def _read(option: str, text: str, parse: Callable[[str], Value]) -> Value:
    try:
        return parse(text)
    except ValueError as problem:
        raise Misuse(f"{option} {problem}.") from problem
