"""Which topics `track-bridge map --from-topic` reads, and of which topic it takes the records to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.commands import Operand, command
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import fault, is_pattern
from bridge.errors import Misuse


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the name and the --topic options of one command line come to."""

    asked: ConsumedTopics
    """What was named; all that the configuration reads, where nothing was."""
    within: ConsumedTopics | None = None
    """Where --topic chooses: the topics it may choose from."""
    assumed: str | None = None
    """The topic that the records are mapped as, where it is not their own."""

    def notice(self, consumed: ConsumedTopics) -> str | None:
        """What a reader of the result has to know first."""
        names = " and ".join(self.asked.entries)
        if self.assumed is not None:
            return f"The records of {names}, as if they were of {self.assumed}:"
        if any(not is_pattern(each) and not consumed.takes(each) for each in self.asked.entries):
            return (
                f"kafka.topics does not read {names}: --topic NAME maps its records as if they were of the topic NAME."
            )
        return None

    def takes(self, topic: str) -> bool:
        """Whether a topic of the cluster is read."""
        return self.asked.takes(topic) and (self.within is None or self.within.takes(topic))


def sampled(consumed: ConsumedTopics, name: str | None, chosen: Sequence[str]) -> Sampled:
    """`name` is the argument: any topic or pattern. `chosen` are the --topic options: alone they choose among
    `consumed`, beside a name they say as which one its records are mapped. Raises `Misuse`.
    """
    _refuse_faults(each for each in (name, *chosen) if each is not None)
    if not chosen:
        return Sampled(consumed if name is None else ConsumedTopics((name,), consumed.reading))
    unread = [each for each in chosen if not is_pattern(each) and not consumed.takes(each)]
    if name is None:
        if unread:
            raise Misuse(
                f"--topic chooses among the topics that kafka.topics reads, and {' or '.join(unread)} is none of them. "
                f"To see what its records become: `{command('map', Operand(unread[0]), '--from-topic')}`, with --topic "
                "NAME as if they were of the topic NAME."
            )
        return Sampled(ConsumedTopics(chosen, consumed.reading), within=consumed)
    if len(chosen) > 1 or any(map(is_pattern, (name, *chosen))):
        raise Misuse(
            f"Beside {name}, --topic says of which topic its records are taken to be: give two names, no pattern and "
            "no further --topic. To choose among the topics that kafka.topics reads, leave the argument out."
        )
    if unread:
        raise Misuse(
            f"--topic {unread[0]}: kafka.topics reads no topic of that name, so the records of {name} would be mapped "
            "as nothing that the bridge reads."
        )
    return Sampled(ConsumedTopics((name,), consumed.reading), assumed=chosen[0])


def _refuse_faults(names: Iterable[str]) -> None:
    faults = [f"{name} {problem}." for name in names if (problem := fault(name)) is not None]
    if faults:
        raise Misuse("\n".join(faults))
