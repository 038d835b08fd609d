"""The mapping's own examples: that they come out as expected, and what their records show not to be meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.commands import command
from bridge.config.mapping_section import ExampleConfig
from bridge.exits import FindingKind
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.cautions import of_examples
from bridge.mapping.review.examples import ExampleResult, run_examples
from bridge.text.amounts import plural


def examples(mapping: CompiledMapping, given: Sequence[ExampleConfig]) -> list[Finding]:
    """Run them. A bridge starts with examples that fail; but then nobody knows what the mapping is meant to do."""
    if not given:
        what = "The mapping has no examples, so nothing shows that it does what you mean."
        return [findings.note(what, "add mapping.examples")]
    results = run_examples(mapping, given)
    failed = [result for result in results if not result.passed]
    passed = "" if failed else f"{plural(len(results), 'example')} of the mapping, all as expected."
    return [
        *([findings.ok(passed)] if passed else []),
        *(_failure(result) for result in failed),
        *_cautions(mapping, given),
    ]


def _failure(result: ExampleResult) -> Finding:
    first = result.differences[0] if result.differences else "it became something else"
    more = f" (and {plural(len(result.differences) - 1, 'more difference')})" if len(result.differences) > 1 else ""
    to_do = f"correct the mapping or the example; `{command('test')}` shows what each became"
    return findings.warning(f"Example {result.name!r} fails: {first}{more}.", to_do, FindingKind.EXAMPLE)


def _cautions(mapping: CompiledMapping, given: Sequence[ExampleConfig]) -> Iterator[Finding]:
    for example, warnings in zip(given, of_examples(mapping, given), strict=True):
        for each in warnings:
            yield findings.warning(f"Example {example.name!r}: {each.what}", each.to_do)
