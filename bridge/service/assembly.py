"""Builds the parts of one bridge and connects them; starts nothing that reads or sends."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from bridge import __version__
from bridge.config import certificates, environment
from bridge.config.fingerprint import configuration_hash
from bridge.config.sections import Config
from bridge.kafka.admin.committed import GroupReader
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.client import library_version
from bridge.kafka.consumer.source import Source
from bridge.kafka.letters.dead_letters import DeadLetterProducer
from bridge.kafka.login.msk_login import login_of
from bridge.mapping.compile import CompiledMapping
from bridge.model import TopicPartition
from bridge.ops.log.events import Events
from bridge.ops.log.logger import Logging
from bridge.ops.snapshot import Build
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.work import Work
from bridge.service.event_log import ServiceEventLog
from bridge.service.observation.observed import Observed
from bridge.service.observation.observer import Observer
from bridge.service.orders.control import Control, Reach
from bridge.service.poll_adapter import PollAdapter
from bridge.service.redrive import Redriver
from bridge.service.reload.candidate import ConfigurationFile
from bridge.service.reload.reloader import Reloader
from bridge.service.reload.swap import MappingSwap
from bridge.service.settings import delivery_settings
from bridge.service.side_by_side import SideBySide, side_by_side
from bridge.service.side_traffic import replay_group
from bridge.service.time import ClockReading, LoopAlarm, SystemClock
from bridge.service.watches.file_watch import FileWatch
from bridge.service.watches.group_watch import GroupWatch, Here
from bridge.service.watches.kafka_watch import PATIENCE, KafkaWatch, Surroundings
from bridge.service.watches.letter_watch import LetterWatch
from bridge.service.watches.login_watch import LoginWatch
from bridge.service.watches.notices import Notices, secret_of
from bridge.service.watches.rate_view import RateView, shares_of
from bridge.service.watches.working import WorkingConfiguration, number_of
from bridge.service.with_registry.late_schemas import LateSchemas
from bridge.service.with_registry.pipeline_lookups import PipelineLookups, registry_of, with_schemas
from bridge.service.with_registry.registry_watch import RegistryWatch
from bridge.track.build import build_credentials, build_sink
from bridge.track.credentials import ApiKey
from bridge.track.direct import DirectSink

if TYPE_CHECKING:
    from bridge.registry.lookups import RegistryLookups
    from bridge.track.httpx_sink import HttpxSink


@dataclass(frozen=True, slots=True, eq=False)
class DeliveryPath:
    """What a record passes on its way, and what is told of it."""

    events: Events
    event_log: ServiceEventLog
    credentials: ApiKey
    sink: DirectSink[Work] | HttpxSink[Work]
    letters: DeadLetterProducer[Work]
    adapter: PollAdapter
    source: Source
    alarm: LoopAlarm
    dispatcher: Dispatcher

    def partitions(self) -> list[TopicPartition]:
        """Those that are read."""
        return [each.tracker.partition for each in self.dispatcher.assignments]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Everything that makes a bridge."""

    events: Events
    credentials: ApiKey
    sink: DirectSink[Work] | HttpxSink[Work]
    letters: DeadLetterProducer[Work]
    dispatcher: Dispatcher
    adapter: PollAdapter
    source: Source
    alarm: LoopAlarm
    inspection: Inspection
    rate_view: RateView | None
    kafka_watch: KafkaWatch
    login_watch: LoginWatch
    group_watch: GroupWatch
    letter_watch: LetterWatch
    file_watch: FileWatch
    registry: RegistryLookups | None
    registry_watch: RegistryWatch | None
    redrive: Redriver | None
    notices: Notices
    working: WorkingConfiguration
    observer: Observer
    control: Control
    reloader: Reloader | None
    """None: it is not known where the configuration is from."""


def assemble(
    config: Config,
    mapping: CompiledMapping,
    log: Logging,
    *,
    file: ConfigurationFile | None,
    proxy: str | None,
    crash: Callable[[BaseException], None],
    abort: Callable[[], None],
) -> Parts:
    """Must be called on the loop that will run them.

    ``crash`` is told of a defect and stops in order; ``abort`` ends the process without waiting for anything.
    """
    logger = logging.getLogger("kafka")
    registry = registry_of(config, lambda sentence: delivery.events.schemas_not_kept(detail=sentence))
    if registry is not None:
        mapping = with_schemas(config, registry)
    working = WorkingConfiguration(config, mapping)
    is_shared_out = delivery_settings(config).is_shared_out
    with side_by_side(config.kafka) as clients:
        reading = clients.make(lambda: GroupReader(config.kafka, logger))
        inspecting = clients.make(lambda: Inspection(config.kafka, logger, patience=PATIENCE))
        replays = clients.make(lambda: replay_group(config, logger)) if is_shared_out else None
        delivery = _delivery(config, mapping, registry, log, logger, clients, proxy=proxy, crash=crash, abort=abort)
        reader, inspection = reading(), inspecting()
        others = None if replays is None else replays()
    dispatcher, source, events = delivery.dispatcher, delivery.source, delivery.events
    shares = shares_of(dispatcher, config.kafka.commit_interval)
    rate_view = None
    if others is not None:
        rate_view = RateView(dispatcher, shares, reader, events, others)
        delivery.adapter.on_assignment = rate_view.look_again
    redrive = None
    if config.dead_letter.redrive.reasons:
        late = None
        if registry is not None:
            late = LateSchemas(registry, sends="unknown_schema" in config.dead_letter.redrive.reasons)
        redrive = Redriver(config, mapping, dispatcher, delivery.credentials, events, logger, proxy=proxy, late=late)
        delivery.event_log.on_letter = redrive.letter
    letter_watch = LetterWatch(config, logger, lambda: source.counts.lost)
    file_watch = FileWatch(list(certificates.named(config)), delivery.credentials)
    kafka_watch = _kafka_watch(delivery, inspection)
    login_watch = LoginWatch(login_of(config.kafka), source, inspection, events)
    here = _here(delivery, kafka_watch, working)
    group_watch = GroupWatch(config.kafka, inspection, reader, events, here, logger)
    observer = Observer(
        Observed(
            dispatcher=dispatcher,
            source=source,
            adapter=delivery.adapter,
            sink=delivery.sink,
            credentials=delivery.credentials,
            event_log=delivery.event_log,
            shares=shares,
            letter_watch=letter_watch,
            file_watch=file_watch,
            kafka_watch=kafka_watch,
            login_watch=login_watch,
            group_watch=group_watch,
            registry=registry,
            logging=log,
            working=working,
            version=__version__,
            build=what_is_built(config),
            group_id=config.kafka.group_id,
        )
    )
    notices = Notices(events, delivery.credentials, log.redactor, dispatcher, working)
    control = _control(config, delivery, group_watch, observer)
    reloader = None
    if file is not None:
        swap = MappingSwap(working, source, dispatcher, redrive, notices, control, events)
        reloader = Reloader(file, working, swap.apply, events, registry, logger)
    return Parts(
        events=events,
        credentials=delivery.credentials,
        sink=delivery.sink,
        letters=delivery.letters,
        dispatcher=dispatcher,
        adapter=delivery.adapter,
        source=source,
        alarm=delivery.alarm,
        inspection=inspection,
        rate_view=rate_view,
        kafka_watch=kafka_watch,
        login_watch=login_watch,
        group_watch=group_watch,
        letter_watch=letter_watch,
        file_watch=file_watch,
        registry=registry,
        registry_watch=None if registry is None else RegistryWatch(dispatcher, registry, delivery.event_log, events),
        redrive=redrive,
        notices=notices,
        working=working,
        observer=observer,
        control=control,
        reloader=reloader,
    )


def _delivery(
    config: Config,
    mapping: CompiledMapping,
    registry: RegistryLookups | None,
    log: Logging,
    logger: logging.Logger,
    clients: SideBySide,
    *,
    proxy: str | None,
    crash: Callable[[BaseException], None],
    abort: Callable[[], None],
) -> DeliveryPath:
    loop, clock, settings = asyncio.get_running_loop(), SystemClock(), delivery_settings(config)
    events = Events(log.logger, time.monotonic)
    event_log = ServiceEventLog(events, clock, settings.hold_after_letters)
    credentials = build_credentials(config.track)
    log.redactor.add(secret_of(credentials))
    sink: DirectSink[Work] | HttpxSink[Work]
    sink = build_sink(config.track, max_in_flight=settings.max_in_flight, credentials=credentials, proxy=proxy)
    adapter = PollAdapter(event_log, events, crash, loop=loop, commit_interval=config.kafka.commit_interval)
    writing = clients.make(lambda: DeadLetterProducer(config, adapter, loop=loop, logger=logger))
    reading = clients.make(
        lambda: Source(
            config.kafka,
            adapter,
            loop=loop,
            logger=logger,
            abort=abort,
            max_records=settings.max_buffered,
            max_bytes=settings.max_buffered_bytes,
            early_filter_of=mapping.early_filter,
            mapping=number_of(config),
        )
    )
    letters, source = writing(), reading()
    alarm = LoopAlarm(loop)
    dispatcher = Dispatcher(
        settings,
        mapper=mapping,
        sink=sink,
        letters=letters,
        positions=source,
        credentials=credentials,
        event_log=event_log,
        clock=clock,
        alarm=alarm,
        rng=random.Random(),  # noqa: S311 - jitter, not a secret
        lookups=None if registry is None else PipelineLookups(registry, adapter),
    )
    alarm.connect(adapter.pump)
    adapter.connect(dispatcher, source)
    return DeliveryPath(events, event_log, credentials, sink, letters, adapter, source, alarm, dispatcher)


def _kafka_watch(delivery: DeliveryPath, inspection: Inspection) -> KafkaWatch:
    source = delivery.source
    around = Surroundings(
        partitions=delivery.partitions, joined=lambda: source.joined, complaints=lambda: source.connection_errors
    )
    return KafkaWatch(inspection, delivery.events, around)


def _here(delivery: DeliveryPath, kafka_watch: KafkaWatch, working: WorkingConfiguration) -> Here:
    assignments, source = delivery.dispatcher.assignments, delivery.source
    return Here(
        partitions=lambda: {
            **dict.fromkeys(source.held),
            **{each.tracker.partition: each.tracker.lowest_open for each in assignments},
        },
        nothing_open=lambda: (
            source.held.keys() - {each.tracker.partition for each in assignments if each.tracker.open}
            | {each.tracker.partition for each in assignments if not each.tracker.open}
        ),
        topic_problems=lambda: source.topic_problems,
        kafka_answers=lambda: kafka_watch.lost is None,
        complaints=lambda: source.connection_errors,
        mapping=lambda: working.number,
        former=lambda: working.former,
    )


def _control(config: Config, delivery: DeliveryPath, group_watch: GroupWatch, observer: Observer) -> Control:
    return Control(
        Reach(
            source=delivery.source,
            read=delivery.partitions,
            standings=lambda: group_watch.standings,
            blocks=lambda: observer.blocks(ClockReading.now()),
            event_log=delivery.event_log,
            events=delivery.events,
            drain_timeout=config.kafka.drain_timeout,
        )
    )


UNKNOWN = "unknown"


def what_is_built(config: Config) -> Build:
    """For `track_bridge_build_info`: commit, settings, libraries."""
    return Build(
        revision=environment.revision(environment.variables()) or installed_from() or UNKNOWN,
        configuration=configuration_hash(config),
        librdkafka=library_version(),
        python=platform.python_version(),
    )


def installed_from(package: str = "track-bridge") -> str:
    """The commit that pip took the package from, where it came out of a repository (PEP 610); else empty."""
    try:
        origin = json.loads(metadata.distribution(package).read_text("direct_url.json") or "{}")
        return str(origin["vcs_info"]["commit_id"])
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        return ""
