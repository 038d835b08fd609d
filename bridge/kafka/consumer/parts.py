"""Everything the poll thread works with around one Kafka client, built in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.config.topics.consumed_topics import GroupProtocol, topics_of
from bridge.kafka.consumer.assignment.draining import Draining
from bridge.kafka.consumer.assignment.holding import Holding
from bridge.kafka.consumer.assignment.rebalance import Rebalance
from bridge.kafka.consumer.cluster_watch import BrokerSession, ClusterWatch
from bridge.kafka.consumer.commits.commits import Commits
from bridge.kafka.consumer.commits.end_offsets import EndOffsets
from bridge.kafka.consumer.message_errors import MessageErrors
from bridge.kafka.consumer.starts.lookup import Lookup
from bridge.kafka.consumer.starts.settled import Settled
from bridge.kafka.consumer.starts.start_runner import StartRunner

if TYPE_CHECKING:
    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class ConsumerParts:
    """Each knows only those that are built before it."""

    commits: Commits
    settled: Settled
    start_runner: StartRunner
    draining: Draining
    holding: Holding
    rebalance: Rebalance
    end_offsets: EndOffsets
    cluster_watch: ClusterWatch
    message_errors: MessageErrors


def build(context: ConsumerContext, protocol: GroupProtocol, watchdog: Watchdog, mapping: int | None) -> ConsumerParts:
    """`mapping` is the number of the mapping, which every commit names."""
    commits = Commits(context, mapping=mapping)
    settled = Settled(context, topics_of(context.kafka))
    start_runner = StartRunner(context, Lookup(context, settled), commits)
    draining = Draining(context, commits)
    end_offsets = EndOffsets(context)
    session = BrokerSession(context) if protocol is GroupProtocol.CONSUMER else None
    cluster_watch = ClusterWatch(context, start_runner.identify, session)
    return ConsumerParts(
        commits=commits,
        settled=settled,
        start_runner=start_runner,
        draining=draining,
        holding=Holding(context, draining, start_runner, commits),
        rebalance=Rebalance(context, start_runner, commits, draining, watchdog),
        end_offsets=end_offsets,
        cluster_watch=cluster_watch,
        message_errors=MessageErrors(context, start_runner, cluster_watch.hurry, end_offsets.reached),
    )
