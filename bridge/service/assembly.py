"""Builds the parts of one bridge and connects them; starts nothing that reads or sends."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge import __version__
from bridge.config import certificates
from bridge.config.sections import Config
from bridge.kafka.admin.group_reader import GroupReader
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.consumer.source import Source
from bridge.kafka.letters.dead_letters import DeadLetterProducer
from bridge.mapping.compile import CompiledMapping
from bridge.mapping.fingerprint import mapping_number
from bridge.ops.admin.pages import pages
from bridge.ops.admin.server import AdminServer
from bridge.ops.log.events import Events
from bridge.ops.log.logger import Logging
from bridge.pipeline.budget.pacing import RateShare
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.work import Work
from bridge.service.build import what_is_built
from bridge.service.control import Control, Reach
from bridge.service.event_log import ServiceEventLog
from bridge.service.observation import Observed, Observer
from bridge.service.poll_adapter import PollAdapter
from bridge.service.replays.redrive import Redriver
from bridge.service.replays.side_traffic import replay_group
from bridge.service.settings import delivery_settings
from bridge.service.time import LoopAlarm, SystemClock
from bridge.service.watches.file_watch import FileWatch
from bridge.service.watches.group_watch import GroupWatch, Here
from bridge.service.watches.kafka_watch import PATIENCE, KafkaWatch, Surroundings
from bridge.service.watches.letter_watch import LetterWatch
from bridge.service.watches.rate_view import INTERVAL, RateView
from bridge.track.build import build_credentials, build_sink
from bridge.track.credentials import ApiKey
from bridge.track.direct import DirectSink

if TYPE_CHECKING:
    from bridge.track.httpx_sink import HttpxSink


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Everything that makes a bridge."""

    events: Events
    credentials: ApiKey
    sink: DirectSink[Work] | HttpxSink[Work]
    letters: DeadLetterProducer[Work]
    dispatcher: Dispatcher
    consumer: PollAdapter
    source: Source
    rate_view: RateView | None
    inspection: Inspection
    kafka_watch: KafkaWatch
    group_watch: GroupWatch
    letter_watch: LetterWatch
    file_watch: FileWatch
    redrive: Redriver | None
    observer: Observer
    server: AdminServer
    alarm: LoopAlarm
    control: Control


def assemble(
    config: Config,
    mapping: CompiledMapping,
    log: Logging,
    *,
    proxy: str | None,
    crash: Callable[[BaseException], None],
    abort: Callable[[], None],
) -> Parts:
    """Must be called on the loop that will run them.

    ``crash`` is told of a defect and stops in order; ``abort`` ends the process without waiting for anything.
    """
    loop = asyncio.get_running_loop()
    logger = logging.getLogger("kafka")
    events = Events(log.logger, time.monotonic)
    settings = delivery_settings(config)
    number = mapping_number(config.mapping)
    clock = SystemClock()
    event_log = ServiceEventLog(events, clock, settings.hold_after_letters)
    credentials = build_credentials(config.track)
    log.redactor.add(secret_of(credentials))
    sink: DirectSink[Work] | HttpxSink[Work]
    sink = build_sink(config.track, max_in_flight=settings.max_in_flight, credentials=credentials, proxy=proxy)
    consumer = PollAdapter(event_log, events, crash, loop=loop, commit_interval=config.kafka.commit_interval)
    letters = DeadLetterProducer(config, consumer, loop=loop, logger=logger)
    source = Source(
        config.kafka,
        consumer,
        loop=loop,
        logger=logger,
        abort=abort,
        max_records=settings.max_buffered,
        max_bytes=settings.max_buffered_bytes,
        header_filter_of=mapping.skim,
        mapping=number,
    )
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
    )
    alarm.connect(consumer.pump)
    consumer.connect(dispatcher, source)
    reader = GroupReader(config.kafka, logger)
    share = (
        None if settings.rate_limit is None else RateShare(settings.rate_limit, INTERVAL, config.kafka.commit_interval)
    )
    rate_view = None
    if share is not None:
        rate_view = RateView(dispatcher, share, reader, events, replay_group(config, logger))
        consumer.on_assignment = rate_view.look_again
    letter_watch = LetterWatch(config, logger, lambda: source.counts.lost)
    file_watch = FileWatch(list(certificates.named(config)), credentials)
    inspection = Inspection(config.kafka, logger, patience=PATIENCE)
    kafka_watch = KafkaWatch(
        inspection,
        events,
        Surroundings(
            partitions=lambda: [each.tracker.partition for each in dispatcher.assignments],
            joined=lambda: source.joined,
            complaints=lambda: source.connection_errors,
        ),
    )
    group_watch = GroupWatch(
        config.kafka,
        inspection,
        reader,
        events,
        Here(
            partitions=lambda: {
                **dict.fromkeys(source.held),
                **{each.tracker.partition: each.tracker.lowest_open for each in dispatcher.assignments},
            },
            nothing_open=lambda: (
                source.held.keys() - {each.tracker.partition for each in dispatcher.assignments if each.tracker.open}
                | {each.tracker.partition for each in dispatcher.assignments if not each.tracker.open}
            ),
            topic_problems=lambda: source.topic_problems,
            kafka_answers=lambda: kafka_watch.lost is None,
            complaints=lambda: source.connection_errors,
            mapping=number,
        ),
        logger,
    )
    redrive = None
    if config.dead_letter.redrive.reasons:
        redrive = Redriver(config, mapping, dispatcher, credentials, events, logger, proxy=proxy)
        event_log.on_letter = redrive.letter
    observer = Observer(
        Observed(
            dispatcher=dispatcher,
            source=source,
            consumer=consumer,
            sink=sink,
            credentials=credentials,
            event_log=event_log,
            share=share,
            letter_watch=letter_watch,
            file_watch=file_watch,
            kafka_watch=kafka_watch,
            group_watch=group_watch,
            logging=log,
            mapping=mapping,
            version=__version__,
            build=what_is_built(config),
            group_id=config.kafka.group_id,
        )
    )
    server = AdminServer(pages(vitals=observer.vitals, snapshot=observer.snapshot, monotonic=time.monotonic))
    control = Control(
        Reach(
            source=source,
            read=lambda: [each.tracker.partition for each in dispatcher.assignments],
            standings=lambda: group_watch.standings,
            blocks=lambda: observer.snapshot().blocks,
            event_log=event_log,
            events=events,
            drain_timeout=config.kafka.drain_timeout,
        )
    )
    return Parts(
        events,
        credentials,
        sink,
        letters,
        dispatcher,
        consumer,
        source,
        rate_view,
        inspection,
        kafka_watch,
        group_watch,
        letter_watch,
        file_watch,
        redrive,
        observer,
        server,
        alarm,
        control,
    )


def secret_of(credentials: ApiKey) -> str:
    """The key itself, for the one place that has to know it: the redactor that keeps it out of the log."""
    return credentials.header.decode("ascii").rpartition(" ")[2]
