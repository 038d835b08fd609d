"""``track-bridge backfill watch``"""

from __future__ import annotations

from bridge.cli.backfill import submitting
from bridge.cli.backfill.plan import RunFolder
from bridge.cli.frame import startup
from bridge.cli.frame.help import about
from bridge.exits import ExitCode


@about(
    ("Wait for the job that is under way, for two hours at most", "backfill watch y25 --timeout 2h"),
    findings="The job is partial, failed, or cannot be found: a person has to look.",
    unreachable=submitting.UNREACHABLE,
)
def watch(
    folder: RunFolder,
    config: startup.ConfigPath = None,
    every: submitting.Every = "10s",
    settle: submitting.Settle = "60s",
    timeout: submitting.Timeout = None,
    json: submitting.AsJson = False,
) -> ExitCode:
    """Wait for the job that is under way, and send nothing.

    What `submit` would do with it: an answer that never came is looked up, and a job is asked about until it ends. A
    job that completed fewer rows than were sent is partial, and nothing is sent after it.
    """
    from bridge.backfill.run_directory import RunDirectory

    wanted = submitting.pacing(every, settle, timeout)
    start = startup.load(config)
    api = submitting.client(start)
    directory = RunDirectory(folder)
    directory.read()  # Says that there is none, before one is locked.
    with directory.locked():
        book = submitting.begun(start, directory, directory.read())
        working = submitting.submitter(book, api, folder, wanted, sends=False, as_json=json)
        return submitting.ended(book, submitting.on_loop(working.work), as_json=json)
