"""What only a person can say: whose events they are, where to send them, where to begin. Each answer is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bridge.cli.init.given import InitOptions
    from bridge.mapping.expressions.readers import ValueReader
    from bridge.proposal.choices import Proposal, ProposedTopic
    from bridge.proposal.documents import SampledDocument, SampledTopic

_NAMED: Final = 6
"""Fields that a refusal names."""


def asked(options: InitOptions, proposal: Proposal) -> tuple[InitOptions, Proposal]:
    """Both with the answers; as they are where nobody can be asked."""
    if not options.asks:
        return options, proposal
    from bridge.cli.init import asking, given
    from bridge.proposal.propose import with_types
    from bridge.text.amounts import plural

    types = {each.topic.name: told for each in proposal.topics if (told := _what(each)) is not None}
    if types:
        proposal = with_types(proposal, types)
        for each in proposal.topics:
            if each.topic.name in types:
                asking.say(f"{plural(len(each.routes), 'route')}: {_some(route.event_name for route in each.routes)}.")
    topics = tuple(_whose(each) if each.topic.documents else each for each in proposal.topics)
    endpoint, key = options.endpoint, options.api_key_file
    if endpoint is None:
        question = "Userpilot's host, shown there under Environment, or Enter to say it later in USERPILOT_ENDPOINT."
        endpoint = asking.ask(question, "later", endpoint_fault)
    if key is None:
        question = "The file that holds the API key, or Enter to say the key later in USERPILOT_API_KEY."
        key = asking.ask(question, "later", given.key_fault)
    start = options.start_from
    if start is None:
        records = sum(each.topic.records for each in proposal.topics)
        question = (
            "Where does the bridge begin? latest: what is new. earliest: all there is, "
            f"at least {plural(records, 'record')}. Or a time, such as 2026-01-31T00:00:00Z, or an age, such as 24h."
        )
        start = asking.ask(question, "latest", start_fault)
    return (
        replace(
            options,
            start_from=start,
            endpoint=None if endpoint == "later" else endpoint,
            api_key_file=None if key == "later" else key,
        ),
        replace(proposal, topics=topics),
    )


def _what(proposed: ProposedTopic) -> str | None:
    """The field of the type, where none was found and somebody knows it."""
    from bridge.cli.init import asking

    if not proposed.topic.documents or proposed.event_type.spec != "topic":
        return None
    question = (
        f"What happened in a record of {proposed.topic.name}? No field looks like the type of an event. Name one, or "
        "Enter: all of them are one event."
    )
    answer = asking.ask(question, "topic", lambda text: type_fault(text, proposed.topic))
    return None if answer == "topic" else answer


def _some(names: Iterable[str]) -> str:
    shown = [name or "dropped" for name in names]
    return ", ".join(shown[:_NAMED]) + (", …" if len(shown) > _NAMED else "")


def _whose(proposed: ProposedTopic) -> ProposedTopic:
    from bridge.cli.init import asking

    question = f"Whose events are those of {proposed.topic.name}? A field, or Enter for what was found."
    found = proposed.user_id.text
    answer = asking.ask(question, found, lambda text: None if text == found else user_fault(text, proposed.topic))
    if answer == found:
        return proposed
    setting = replace(proposed.user_id, spec=answer, evidence="as you said", is_certain=True)
    return replace(proposed, user_id=setting, drops_userless=False)


# --- what is wrong with an answer


def user_fault(text: str, topic: SampledTopic) -> str | None:
    """No expression, or one that finds nothing in any record that was read."""
    from bridge.mapping.expressions.readers import ValueSpecError
    from bridge.mapping.expressions.values import compile_value

    try:
        reader = compile_value(text, "user_id")
    except ValueSpecError as problem:
        return f"{problem}."
    if any(map(partial(_finds, reader), topic.documents)):
        return None
    return f"No record of {topic.name} that was read has one text or number there. {_there_are(text, topic.documents)}"


def type_fault(text: str, topic: SampledTopic) -> str | None:
    """No field that was found in any record."""
    from bridge.proposal.fields import fields_of

    if text == "topic" or any(each.expression == text for each in fields_of(topic.documents)):
        return None
    return f"No record of {topic.name} that was read has one text or number there. {_there_are(text, topic.documents)}"


def _finds(reader: ValueReader, document: SampledDocument) -> bool:
    """Whether it may find somebody: what reads more than the value and one header, only records at work tell."""
    from bridge.errors import BridgeError
    from bridge.mapping.expressions import scalars

    if reader.header is not None:
        return reader.header in document.headers
    if reader.uses_scope:
        return True
    try:
        return scalars.is_scalar(reader.read(document.value, None))  # type: ignore[arg-type] # it uses no scope
    except BridgeError:
        return False


def _there_are(text: str, documents: Sequence[SampledDocument]) -> str:
    from bridge.proposal.fields import fields_of

    fields = [each.expression for each in sorted(fields_of(documents), key=lambda each: (-each.share, each.expression))]
    near = get_close_matches(text, fields, 3)
    return f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(fields[:_NAMED])}."


def endpoint_fault(text: str) -> str | None:
    """Of the host of a Userpilot environment."""
    from bridge.cli.init import given

    wrong = None if text == "later" else given.fault(text, given.endpoint)
    return None if wrong is None else f"It {wrong}"


def start_fault(text: str) -> str | None:
    """In the words of the question."""
    from bridge.cli.init import given
    from bridge.config.keys import scalars

    if given.fault(text, scalars.start_from) is None:
        return None
    return "latest, earliest, a time with its zone such as 2026-01-31T00:00:00Z, or an age such as 24h."


def registry_fault(text: str) -> str | None:
    """Of a schema registry's address."""
    from bridge.cli.init import given
    from bridge.config.keys import registry_url

    wrong = None if text == "none" else given.fault(text, registry_url.normalise)
    return None if wrong is None else f"It {wrong}"
