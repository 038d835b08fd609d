"""Asks the brokers everything `track-bridge check` wants to know, and has it judged."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from logging import Logger

from bridge.cli.checks import findings, group, letters, offsets, topics
from bridge.cli.checks import mapping as mapping_checks
from bridge.cli.checks.findings import Area, Finding
from bridge.cli.checks.login_advice import LoginMeans, advice
from bridge.cli.samples.lint import UNREAD
from bridge.config.fingerprint import mapping_number
from bridge.config.keys.scalars import StartAge, StartFrom, StartTime
from bridge.config.sections import Config, Kafka
from bridge.config.topics.consumed_topics import decided_protocol, topics_of
from bridge.exits import FindingKind
from bridge.kafka import client
from bridge.kafka.admin.committed import Committed, other_mappings
from bridge.kafka.admin.inspection import Cluster, Inspection, TopicSettings
from bridge.kafka.admin.obstacles import NotConnectedError, Obstacle
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.login import msk_login
from bridge.lint.linting import ignored_at
from bridge.lint.subject import LintEvidence, LintSamples
from bridge.mapping.mapper import CompiledMapping
from bridge.model import TopicPartition
from bridge.text.amounts import plural

_HOUR = 3600.0


def look(
    config: Config, mapping: CompiledMapping, logger: Logger, evidence: LintEvidence | None = None, *, patience: float
) -> list[Area]:
    """All areas that concern Kafka; one of them alone where no broker can be reached. What is found out of the backlog
    and of the newest records goes into `evidence`, too.

    Raises `kafka.client.ClientRefusedError`.
    """
    inspection = Inspection(config.kafka, logger, patience=patience)
    try:
        cluster = inspection.connect()
    except NotConnectedError as error:
        kafka = Area("Kafka", [_not_connected(config.kafka, error)])
        return [kafka, *_schemas(config, mapping, topics_of(config.kafka).names, patience)]
    security = client.security_of(config.kafka)
    found = [findings.ok(f"{plural(cluster.brokers, 'broker')} at {config.kafka.bootstrap_servers}, over {security}.")]
    read_topics = topics_of(config.kafka)
    consumed = topics.consumed(config.kafka.topics, cluster.topics, read_topics.reading)
    unfit = mapping_checks.unfit(config.mapping, read_topics, consumed.partitions, ignored_at(config, UNREAD))
    read = _TopicQuestions(config, inspection, consumed.partitions, evidence)
    samples = LintSamples(mapping) if evidence is None else evidence.records
    return [
        Area("Kafka", [*found, *consumed.findings, *unfit]),
        Area("Permissions", read.permissions(cluster)),
        Area("Dead letters", read.letters(cluster)),
        *read.progress(),
        *_schemas(config, mapping, consumed.partitions, patience),
        *mapping_checks.newest(config, samples, inspection, consumed.partitions, logger, patience=patience),
    ]


def _schemas(config: Config, mapping: CompiledMapping, consumed: Collection[str], patience: float) -> list[Area]:
    """Loaded only where there are schemas to speak of."""
    formats = [mapping.topic(topic).settings.format for topic in consumed]
    if config.schema_registry is None and all(given.descriptor_set is None for given in formats):
        return []
    from bridge.cli.checks import schemas

    return schemas.look(config, mapping, consumed, patience=patience)


def _not_connected(kafka: Kafka, error: NotConnectedError) -> Finding:
    servers, what_it_says = kafka.bootstrap_servers, str(error)
    means = LoginMeans(client.security_of(kafka), client.mechanism_of(kafka), kafka.aws_iam is not None)
    what = {
        Obstacle.LOGIN: f"The brokers at {servers} refuse the login: {error}.",
        Obstacle.TOKEN: f"No token for the login at {servers}: {error}.",
        Obstacle.TLS: f"No TLS connection with {servers}: {error}.",
        Obstacle.NAME: f"No broker found: {error}.",
        Obstacle.CONNECTION: f"No broker at {servers} answers: {error}.",
    }
    is_login = error.obstacle in {Obstacle.LOGIN, Obstacle.TOKEN, Obstacle.TLS}
    kind = FindingKind.KAFKA_LOGIN if is_login else FindingKind.KAFKA
    to_do = advice(error.obstacle, what_it_says, means)
    login = msk_login.login_of(kafka)
    if error.obstacle is Obstacle.LOGIN and login is not None and login.problem is None:
        # The brokers tell nobody why; whom AWS takes these credentials for is most of the answer.
        to_do = f"{login.known_as()}; {to_do}"
    return findings.problem(what[error.obstacle], to_do, kind)


@dataclass(frozen=True, slots=True)
class _TopicQuestions:
    """The questions that need the topics to be known."""

    config: Config
    inspection: Inspection
    sources: Mapping[str, int]
    """Partition counts of the consumed topics."""
    evidence: LintEvidence | None

    def permissions(self, cluster: Cluster) -> list[Finding]:
        dead_letters = self.config.dead_letter.topic
        targets = [name for name in (dead_letters, resolutions_of(dead_letters)) if name in cluster.topics]
        return topics.permissions(
            self.config.kafka.group_id,
            self.inspection.allowed_on_group() if self.inspection.is_steady else None,
            list(self.sources),
            targets,
            self.inspection.allowed_on_topics([*self.sources, *targets]),
        )

    def letters(self, cluster: Cluster) -> list[Finding]:
        topic = self.config.dead_letter.topic
        names = [name for name in (topic, resolutions_of(topic)) if name in cluster.topics]
        facts = letters.LetterTopicFacts(
            partitions={name: cluster.topics[name] for name in names},
            settings=self.inspection.settings([*names, *self.sources]),
            sources=self.sources,
        )
        return letters.letters(topic, facts, is_created_at_start=self.config.dead_letter.create)

    def progress(self) -> list[Area]:
        partitions = [TopicPartition(topic, n) for topic, count in self.sources.items() for n in range(count)]
        if not partitions:
            return [Area("Group", self._group([], {}))]
        start_from = self.config.kafka.start_from
        begins = _time_of(start_from)
        commits = self.inspection.commits(partitions)
        logs = self.inspection.logs(partitions)
        facts = offsets.TopicOffsets(
            logs=logs,
            positions={each: None if found is None else found.offset for each, found in commits.items()},
            at_start_time=self.inspection.at_time(partitions, begins) if begins is not None else {},
            transactions={
                partition: offsets.OpenTransaction(stable, None if began is None else max(0.0, time.time() - began))
                for partition, (stable, began) in self.inspection.transactions(logs).items()
            },
        )
        outcomes = {topic: offsets.judge(topic, facts, start_from) for topic in self.sources}
        settings = self.inspection.settings(self.sources)
        rate = self.config.delivery.rate_limit
        backlogs = [
            offsets.TopicBacklog(topic, outcome.backlog, _retention(settings.get(topic)))
            for topic, outcome in outcomes.items()
            if outcome.backlog is not None
        ]
        undecided = [topic for topic, outcome in outcomes.items() if outcome.backlog is None]
        arriving = self._arriving(partitions, facts)
        if self.evidence is not None:
            self.evidence.arriving = arriving
            self.evidence.backlog = None if rate is None else sum(each.records for each in backlogs) / rate
        return [
            Area("Group", self._group(partitions, commits)),
            Area("Positions", [finding for outcome in outcomes.values() for finding in outcome.findings]),
            Area(
                "Forecast",
                [
                    *offsets.forecast(backlogs, rate, undecided),
                    *offsets.growth(arriving, rate),
                ],
            ),
        ]

    def _group(
        self, partitions: Sequence[TopicPartition], commits: Mapping[TopicPartition, Committed | None]
    ) -> list[Finding]:
        kafka = self.config.kafka
        configuration = client.consumer_configuration(kafka)
        known = {partition: found for partition, found in commits.items() if found is not None}
        offered = str(configuration.get("partition.assignment.strategy", ""))
        is_steady = self.inspection.is_steady
        own_number = mapping_number(self.config.mapping, self.config.track.company_id_field)
        facts = group.MembershipFacts(
            description=self.inspection.group() if is_steady else None,
            is_asked=is_steady,
            protocol=decided_protocol(kafka.group_protocol, kafka.topics, kafka.properties),
            partitions=partitions,
            other_mappings=other_mappings(known, own_number, time.time()),
            client_id=str(configuration["client.id"]),
            assignors=frozenset(each.strip() for each in offered.split(",")) if offered else None,
        )
        return group.group(kafka.group_id, facts)

    def _arriving(self, partitions: Sequence[TopicPartition], facts: offsets.TopicOffsets) -> dict[str, float]:
        """Records a second that came in during the last hour, by topic."""
        an_hour_ago = self.inspection.at_time(partitions, round((time.time() - _HOUR) * 1000))
        arriving: dict[str, float] = {}
        for partition, offset in an_hour_ago.items():
            if partition in facts.logs:
                came = max(0, facts.logs[partition].end - offset) / _HOUR
                arriving[partition.topic] = arriving.get(partition.topic, 0.0) + came
        return arriving


def _time_of(start_from: StartFrom) -> int | None:
    match start_from:
        case StartTime(epoch_ms):
            return epoch_ms
        case StartAge(seconds):
            return round((time.time() - seconds) * 1000)
        case _:
            return None


def _retention(settings: TopicSettings | None) -> float | None:
    if settings is None or not settings.deletes or settings.retention_ms < 0:
        return None
    return settings.retention_ms / 1000
