"""``track-bridge test``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.cli.frame.strict_option import Strict
from bridge.exits import ExitCode
from bridge.text.amounts import plural
from bridge.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.lint.linting import Linted
    from bridge.mapping.review.cautions import Caution
    from bridge.mapping.review.examples import ExampleResult
    from bridge.model import Outcome


@about(
    ("Run the examples of the mapping", "test -c bridge.yaml"),
    ("In a build, where a finding of lint is to be looked at, too", "test --strict"),
    findings="An example failed; with --strict: lint has a finding.",
)
def run_tests(
    config: startup.ConfigPath = None,
    schema: SchemaFiles = None,
    strict: Strict = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document with the result of each example.")] = False,
) -> ExitCode:
    """Run the examples of the mapping, and show what differs.

    Says also what of the mapping is perhaps not meant (docs/lint.md). Sends nothing. Connects to nothing but the schema
    registry, where an example's record names a schema that is not known otherwise.
    """
    from bridge.cli.samples.lint import lint_lines, linted
    from bridge.mapping.review.cautions import of_examples
    from bridge.mapping.review.examples import run_examples

    start = startup.load_to_read(config, schema, reaches_api=False)
    examples = start.config.mapping.examples
    results = run_examples(start.mapping, examples)
    said = of_examples(start.mapping, examples)
    failed = sum(not result.passed for result in results)
    found = linted(start, beneath="mapping")
    if json:
        output.document(_document(results, said, failed, found))
    elif not results:
        output.line(
            f"{start.path} has no examples, so nothing was tested. Add some under mapping.examples: an input (or a "
            "whole record) and what is expected of it."
        )
        output.lines(["", *lint_lines(found)] if found.findings else [])
    else:
        for result, warnings in zip(results, said, strict=True):
            _show(result)
            for each in warnings:
                output.line(printable(f"        {each.what} To do: {each.to_do}."), "yellow")
        output.line()
        output.lines([*lint_lines(found), ""] if found.findings else [])
        output.line(f"{plural(len(results), 'example')}: {len(results) - failed} passed, {failed} failed.")
    return ExitCode.FINDINGS if failed or (strict and found.findings) else ExitCode.OK


def _show(result: ExampleResult) -> None:
    if result.passed:
        output.line(f"passed  {printable(result.name)}", "green")
        return
    output.line(f"FAILED  {printable(result.name)}", "bold red")
    for difference in result.differences:
        output.line(f"          {printable(difference)}")
    output.line("        it became:")
    for outcome in result.outcomes:
        output.line(f"          {printable(_in_short(outcome))}")


def _in_short(outcome: Outcome) -> str:
    from bridge.model import Elements, Failed, Filtered, Forget, Request, SchemaNeeded

    match outcome:
        case Request():
            return outcome.body.decode()
        case Failed():
            return f"{{dead_letter: {outcome.reason}}}  # {outcome.message}"
        case Filtered():
            return f"{{dropped: {outcome.reason}}}"
        case Forget(filtered=filtered):
            return f"{{dropped: {filtered.reason}}}"
        case SchemaNeeded(reference):
            return f"{{schema_needed: {reference}}}"
        case Elements():
            return "{elements: …}"


def _document(
    results: tuple[ExampleResult, ...], said: Sequence[Sequence[Caution]], failed: int, found: Linted
) -> dict[str, Any]:
    from bridge.cli.samples.lint import lint_document
    from bridge.decode import exact_json
    from bridge.model import Request

    return {
        "examples": len(results),
        "failed": failed,
        "results": [
            {
                "name": result.name,
                "passed": result.passed,
                "differences": list(result.differences),
                "warnings": [{"what": each.what, "to_do": each.to_do} for each in warnings],
                "requests": [exact_json.read(each.body) for each in result.outcomes if isinstance(each, Request)],
            }
            for result, warnings in zip(results, said, strict=True)
        ],
        "lint": lint_document(found),
    }
