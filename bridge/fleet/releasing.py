"""How what an operator holds is released from here: over the network, whichever replica has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bridge.commands import Operand, command
from bridge.fleet.view import FleetConcern, FleetView
from bridge.holds import Reason
from bridge.model import TopicPartition

_COMMANDS: Final = 3
"""Topics whose commands are told."""


def by_group(view: FleetView) -> FleetView:
    """The view with commands for holds and pauses that reach every replica: what a replica says is for its own machine
    and configuration.
    """
    return replace(
        view,
        partitions=tuple(
            replace(each, action=_action((each.partition,), is_pause=each.until is not None))
            if each.why == Reason.HELD_BY_OPERATOR.value
            else each
            for each in view.partitions
        ),
        concerns=tuple(map(_of_concern, view.concerns)),
    )


def _of_concern(concern: FleetConcern) -> FleetConcern:
    if concern.reason != Reason.HELD_BY_OPERATOR.value or not concern.partitions:
        return concern
    return replace(concern, action=_action(concern.partitions, is_pause=not concern.needs_someone))


def _action(partitions: Iterable[TopicPartition], *, is_pause: bool) -> str:
    by_topic: dict[str, list[int]] = {}
    for each in sorted(partitions):
        by_topic.setdefault(each.topic, []).append(each.partition)
    verb = "resume" if is_pause else "release"
    commands = [f"`{_command(verb, topic, numbers)}`" for topic, numbers in list(by_topic.items())[:_COMMANDS]]
    named = " and ".join(commands) + (", and so on for the other topics," if len(by_topic) > _COMMANDS else "")
    if is_pause:
        return f"Nothing: it ends by itself at the time shown. {named} {'end' if len(by_topic) > 1 else 'ends'} it now."
    return f"Run {named} when it may be sent again."


def _command(verb: str, topic: str, numbers: Iterable[int]) -> str:
    which = [word for number in numbers for word in ("--partition", str(number))]
    return command(verb, Operand(topic), *which, "--group")
