"""``track-bridge check``"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bridge import exits
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.cli.frame.strict_option import Strict

if TYPE_CHECKING:
    from bridge.cli.checks.findings import Area
    from bridge.lint.linting import Linted


@about(
    ("Look at everything, and forecast how long the backlog takes", "check -c bridge.yaml"),
    ("In a build, where neither Kafka nor the API can be reached", "check --offline --json"),
    findings="A problem the configuration is not the cause of: the API refuses the key, a committed offset is "
    "outside its log; with --strict: lint has a finding.",
    unreachable="A broker, the API or the schema registry does not answer.",
)
def check(
    config: startup.ConfigPath = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only what this machine can tell: the configuration and the key file.")
    ] = False,
    detailed: Annotated[
        bool,
        typer.Option("--detailed-exit-code", help=f"One exit code for each kind of finding: {exits.kinds_sentence()}."),
    ] = False,
    schema: SchemaFiles = None,
    strict: Strict = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document with all findings.")] = False,
) -> int:
    """Look at everything the bridge needs, and forecast its work.

    Configuration, brokers, topics, permissions, the group and its members, the API and its key; how long the backlog
    takes; the schema registry, and what of the mapping is not in the newest schemas of its topics; and what the newest
    records show the mapping not to mean; and what of the configuration is perhaps not meant.
    Sends nothing, commits nothing, changes nothing.
    """
    from bridge.cli.checks import findings

    linted: Linted | None = None
    try:
        start = startup.load_to_read(config, schema, offline=offline)
        key = startup.api_key(start)
        from bridge.cli.checks import areas
        from bridge.cli.samples import lint
        from bridge.lint.subject import LintEvidence, LintSamples

        evidence = None if offline else LintEvidence(LintSamples(start.mapping))
        own = areas.configuration(start, offline=offline)
        found = (
            [own, *areas.offline(start)]
            if offline
            else [own, *areas.online(start, key, evidence, is_usable=not findings.problems(own))]
        )
        linted = lint.linted(start, evidence=evidence)
    except startup.Refused as refused:
        found = [findings.refused(refused.problems)]
        if not json:
            output.to_stderr([str(refused)])
            return _code(found, detailed=detailed)
    if json:
        output.document(findings.document(found, linted, strict=strict))
    else:
        findings.show(found, linted)
    return max(_code(found, detailed=detailed), findings.code_of_lint(linted, strict=strict, detailed=detailed))


def _code(found: Sequence[Area], *, detailed: bool) -> int:
    from bridge.cli.checks import findings

    return findings.detailed_exit_code(found) if detailed else findings.exit_code(found)
