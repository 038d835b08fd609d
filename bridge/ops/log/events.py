"""Every event the service logs, one function each, so that names and fields stay what dashboards and alerts know.

docs/operations.md lists them. None is logged per delivered record, and none holds a value out of a payload; what may
come in floods is said ten times a second per kind and then counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.commands import completed
from bridge.formats import trace_context
from bridge.holds import REASONS, Reason, shown
from bridge.limiter import Limiter
from bridge.model import TRACK
from bridge.text import moments

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from bridge.model import DeadLetter, Record, Retried, TopicPartition
    from bridge.ops.log.logger import EventLogger


NOT_EXPORTED: Final = "telemetry_not_exported"
"""The one line that is not exported itself."""
SAID_A_SECOND: Final = 10
"""Lines of one kind; what comes beyond is counted and told together."""


class Events:
    """What the service has to say. All methods are called on the loop's thread."""

    __slots__ = ("_limiter", "_log")

    def __init__(self, logger: EventLogger, monotonic: Callable[[], float]) -> None:
        self._log = logger
        self._limiter = Limiter(SAID_A_SECOND, 1.0, monotonic)

    # --- the process ----------------------------------------------------------------------------------------------

    def started(
        self, *, version: str, group: str, topics: Sequence[str], endpoint: str, dead_letter_topic: str
    ) -> None:
        """The configuration is read and every part is up."""
        self._log.info(
            "started",
            version=version,
            group=group,
            topics=list(topics),
            endpoint=endpoint,
            dead_letter_topic=dead_letter_topic,
        )

    def listening(self, *, host: str, port: int) -> None:
        """The admin server answers."""
        self._log.info("listening", host=host, port=port)

    def stopping(self, *, cause: str) -> None:
        """A signal or a defect ends the process; what is in flight may finish."""
        self._log.info("stopping", cause=cause)

    def stopped(self, *, seconds: float, delivered: int, released: int, ambiguous_retries: int) -> None:
        """The last event of an orderly stop."""
        self._tell_withheld(self._limiter.withheld(ending=True))
        self._log.info(
            "stopped",
            seconds=round(seconds, 3),
            delivered=delivered,
            released=released,
            ambiguous_retries=ambiguous_retries,
        )

    def crashed(self, error: BaseException, *, at: str | None) -> None:
        """A defect: the process stops with the coordinates of the record it met, and commits nothing for it."""
        self._log.critical(
            "crashed",
            at=at,
            message="The bridge met a defect of its own and stops; nothing is lost. Please report this line.",
            exc_info=error,
        )

    def kafka_client_ended(self, *, detail: str) -> None:
        """The Kafka client cannot continue, for a reason its owner can fix: the process stops."""
        self._log.critical("kafka_client_ended", detail=detail)

    def kafka_lost(self, *, detail: str, partitions: Sequence[TopicPartition]) -> None:
        """No broker answers; `partitions` are those this process had."""
        self._log.warning(
            "kafka_lost",
            detail=detail,
            partitions=[str(each) for each in partitions],
            message=REASONS[Reason.KAFKA_UNREACHABLE].action,
        )

    def kafka_back(self, *, seconds: float) -> None:
        """A broker answers again, after this long."""
        self._log.info("kafka_back", seconds=round(seconds, 3))

    def login_failed(self, *, detail: str) -> None:
        """No token for the login at Kafka can be had; connections that are there may last for a while."""
        self._log.warning("login_failed", detail=detail)

    def login_back(self, *, seconds: float) -> None:
        """Tokens can be had again, after this long."""
        self._log.info("login_back", seconds=round(seconds, 3))

    def schema_registry_lost(self, *, detail: str, partitions: Sequence[TopicPartition]) -> None:
        """The registry does not answer as it should, and these partitions wait for a schema; told once."""
        self._log.warning(
            "schema_registry_lost",
            detail=detail,
            partitions=[str(each) for each in partitions],
            message=REASONS[Reason.SCHEMA_REGISTRY].action,
        )

    def schema_registry_back(self, *, seconds: float) -> None:
        """No partition waits for the registry any more, after this long."""
        self._log.info("schema_registry_back", seconds=round(seconds, 3))

    def schema_awaited(self, *, schema: str, detail: str, partition: TopicPartition, offset: int) -> None:
        """The registry works and does not know a schema that the record at this place names; told once for each."""
        if self._limiter.admit("schema_awaited"):
            self._log.warning(
                "schema_awaited",
                schema=schema,
                detail=detail,
                topic=partition.topic,
                partition=partition.partition,
                offset=offset,
            )

    def schemas_not_kept(self, *, detail: str) -> None:
        """Something is wrong with the folder of schemas, or with a file in it; the registry is asked instead."""
        if self._limiter.admit("schemas_not_kept"):
            self._log.warning("schemas_not_kept", detail=detail)

    # --- what is exported over OTLP -------------------------------------------------------------------------------

    def telemetry_on(self, *, signals: Sequence[str], sampled: float, by_parent: bool) -> None:
        """Spans, metrics or log lines are exported, as OTEL_* variables ask."""
        self._log.info("telemetry_on", signals=list(signals), sampled=sampled, by_parent=by_parent)

    def telemetry_problem(self, *, detail: str) -> None:
        """An OTEL_* variable asks for what cannot be done; the bridge runs all the same."""
        self._log.warning("telemetry_problem", detail=detail)

    def telemetry_not_exported(self, *, detail: str, withheld: int) -> None:
        """The collector did not take something, or not in time; may be called on any thread, which says it rarely."""
        self._log.warning(
            NOT_EXPORTED,
            detail=detail,
            withheld=withheld,
            message="Events are delivered as ever. Look at the collector, and at OTEL_EXPORTER_OTLP_ENDPOINT.",
        )

    # --- partitions -----------------------------------------------------------------------------------------------

    def assigned(self, partitions: Sequence[TopicPartition], *, total: int) -> None:
        """Partitions came to this replica, which now has `total`."""
        self._log.info("assigned", partitions=[str(each) for each in partitions], total=total)

    def partition_started(
        self, partition: TopicPartition, *, offset: int, reason: str, detail: str, by_us: bool
    ) -> None:
        """Where a partition starts, and why: `committed`, `new_partition`, `new_topic` or `start_from`.

        With `by_us` false the start was only committed, for the replica that gets the partition.
        """
        self._log.info(
            "partition_started",
            topic=partition.topic,
            partition=partition.partition,
            offset=offset,
            reason=reason,
            detail=detail,
            by_us=by_us,
        )

    def revoked(self, partitions: Sequence[TopicPartition], *, seconds: float, released: int, forced: bool) -> None:
        """Partitions were given up in order; `released` records go to their next owner."""
        level = self._log.warning if forced else self._log.info
        level(
            "revoked",
            partitions=[str(each) for each in partitions],
            seconds=round(seconds, 3),
            released=released,
            forced=forced,
        )

    def lost(self, partitions: Sequence[TopicPartition], *, released: int) -> None:
        """The group took partitions away without asking; what was in flight may be sent twice."""
        self._log.warning("lost", partitions=[str(each) for each in partitions], released=released)

    def commit_failed(self, *, detail: str) -> None:
        """Positions were not committed; they are again with the next commit."""
        if self._limiter.admit("commit_failed"):
            self._log.warning("commit_failed", detail=detail)

    def mappings_differ(self, *, mine: int, others: Mapping[int, Sequence[TopicPartition]]) -> None:
        """Members of the group work by another mapping than this process."""
        self._log.warning(
            "mappings_differ",
            mapping=f"{mine:09d}",
            others={f"{mapping:09d}": [str(each) for each in partitions] for mapping, partitions in others.items()},
            message="Nothing, while a new configuration is rolled out. Otherwise another program, or a replica with"
            " another configuration, uses this kafka.group_id and maps about its share of the events: give it another.",
        )

    # --- holds ----------------------------------------------------------------------------------------------------

    def held(self, why: Reason, *, detail: str, topic: str | None = None, partition: int | None = None) -> None:
        """Sending stopped: everything, one topic, or one partition. An error where it lasts until somebody acts."""
        entry = REASONS[why]
        level = self._log.error if entry.needs_operator and not entry.deliberate else self._log.warning
        level(
            "held",
            reason=shown(why).value,
            topic=topic,
            partition=partition,
            detail=detail,
            message=REASONS[why].action,
        )

    def released(self, why: Reason, *, seconds: float, topic: str | None = None, partition: int | None = None) -> None:
        """A hold ended."""
        self._log.info("released", reason=shown(why).value, topic=topic, partition=partition, seconds=round(seconds, 3))

    def operator_held(
        self,
        topic: str,
        partitions: Sequence[int],
        *,
        reason: str,
        by: str,
        uid: int | None,
        peer: str | None = None,
        until: float | None = None,
    ) -> None:
        """Somebody ran ``track-bridge hold``, or ``track-bridge pause`` with an end in Unix seconds; `uid` is what the
        kernel says of whoever connected, where it says that, `peer` the address of whoever asked over the network.
        """
        self._log.warning(
            "operator_held",
            topic=topic,
            partitions=list(partitions),
            reason=reason,
            by=by,
            uid=uid,
            peer=peer,
            until=None if until is None else moments.iso(until, "seconds"),
        )

    def operator_released(
        self,
        topic: str,
        partitions: Sequence[int],
        *,
        reasons: Sequence[Reason],
        by: str,
        uid: int | None,
        peer: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Somebody released or resumed them; `reasons` are those for which the partitions were held, `reason` is why
        they no longer are, where somebody said it.
        """
        named = sorted({shown(each).value for each in reasons})
        about = {"topic": topic, "partitions": list(partitions), "reasons": named, "reason": reason}
        self._log.warning("operator_released", **about, by=by, uid=uid, peer=peer)

    def position_set(
        self,
        partition: TopicPartition,
        *,
        before: int | None,
        to: int,
        by: str,
        uid: int | None,
        peer: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Somebody set it of a held partition; `before` is None where nothing was committed, `reason` where none was
        given.
        """
        self._log.warning(
            "position_set",
            topic=partition.topic,
            partition=partition.partition,
            by=by,
            uid=uid,
            peer=peer,
            to=to,
            reason=reason,
            **{"from": before},
        )

    def control_socket(self, *, path: str) -> None:
        """``track-bridge hold`` and ``track-bridge release`` reach this process there."""
        self._log.info("control_socket", path=path)

    def no_control_socket(self, *, detail: str) -> None:
        """They do not reach it; everything else works."""
        self._log.warning("no_control_socket", detail=detail)

    def control_over_network(self, *, path: str) -> None:
        """Orders signed with the token of `console.token_file` reach this process at this path of its admin server."""
        self._log.info("control_over_network", path=path)

    def no_control_over_network(self, *, detail: str) -> None:
        """They do not, before the token can be read; everything else works."""
        self._log.warning("no_control_over_network", detail=detail)

    def control_refused(self, *, detail: str, peer: str) -> None:
        """An order over the network was not taken: it was not signed right, too late, or the second time."""
        if self._limiter.admit("control_refused"):
            self._log.warning("control_refused", detail=detail, peer=peer)

    def tap_opened(self, *, route: str | None, outcome: str | None, of_one_user: bool) -> None:
        """Somebody on this machine watches samples of records."""
        self._log.info("tap_opened", route=route, outcome=outcome, of_one_user=of_one_user)

    def tap_closed(self) -> None:
        """They no longer do."""
        self._log.info("tap_closed")

    def outage_began(self, *, detail: str) -> None:
        """Nothing gets through to the Track API; one probe at a time keeps trying."""
        self._log.warning("outage_began", detail=detail, message=REASONS[Reason.OUTAGE].action)

    def outage_ended(self, *, seconds: float) -> None:
        """A probe got through."""
        self._log.info("outage_ended", seconds=round(seconds, 3))

    def kind_outage_began(self, *, kind: str, detail: str) -> None:
        """No request of this kind gets through, while others may; one probe at a time keeps trying."""
        self._log.warning("kind_outage_began", kind=kind, detail=detail, message=REASONS[Reason.IDENTIFY_WAITS].action)

    def kind_outage_ended(self, *, kind: str, seconds: float) -> None:
        """A probe got through."""
        self._log.info("kind_outage_ended", kind=kind, seconds=round(seconds, 3))

    def asked_to_wait(self, *, seconds: float, detail: str, kind: str = TRACK.name) -> None:
        """The Track API asked all senders to wait, with requests of this kind and of what shares its budget."""
        if self._limiter.admit("asked_to_wait"):
            self._log.info("asked_to_wait", kind=kind, seconds=round(seconds, 3), detail=detail)

    def identify_refused(self, record: Record, *, status: int | None, error_code: str | None, detail: str) -> None:
        """The bridge's own identify before an event of this record failed for good; once per user and spell."""
        if self._limiter.admit("identify_refused"):
            self._log.warning(
                "identify_refused",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                status=status,
                error_code=error_code,
                detail=detail,
            )

    def user_forgotten(self, record: Record) -> None:
        """A record asked to forget its user: no identify of the bridge's own is sent for that user any more."""
        self._log.debug("user_forgotten", topic=record.topic, partition=record.partition, offset=record.offset)

    def retrying(self, event: Retried) -> None:
        """One event failed for the third time; it is tried again, and what is behind it of its user waits."""
        if not self._limiter.admit("retrying"):
            return
        answer = event.answer
        self._log.warning(
            "retrying",
            topic=event.partition.topic,
            partition=event.partition.partition,
            offset=event.offset,
            output=event.output,
            route=event.route,
            attempts=event.attempts,
            counted=event.counted,
            max_attempts=event.allowed,
            next_attempt_s=None if event.next_in is None else round(event.next_in, 3),
            reason=None if answer is None else answer.reason,
            status=None if answer is None else answer.status,
            request_id=None if answer is None else answer.request_id,
            detail=None if answer is None else answer.detail,
            **_traced(event.trace),
        )

    # --- dead letters ---------------------------------------------------------------------------------------------

    def dead_letter(self, letter: DeadLetter) -> None:
        """A record is in the dead-letter topic."""
        if not self._limiter.admit(letter.reason.value):
            return
        self._log.warning(
            "dead_letter",
            reason=letter.reason.value,
            topic=letter.record.topic,
            partition=letter.record.partition,
            offset=letter.record.offset,
            output=letter.output,
            element=letter.element,
            route=None if letter.route is None else letter.route.name,
            status=letter.status,
            error_code=letter.error_code,
            attempts=letter.attempts,
            detail=letter.message,
            **_failed_step(letter),
            **_traced(letter.trace),
        )

    def dead_letter_refused(self, letter: DeadLetter, *, detail: str) -> None:
        """A dead letter could not be written; it is tried again and nothing is skipped."""
        if self._limiter.admit("dead_letter_refused"):
            self._log.warning(
                "dead_letter_refused",
                topic=letter.record.topic,
                partition=letter.record.partition,
                offset=letter.record.offset,
                detail=detail,
                **_traced(letter.trace),
            )

    def redrive_started(self, *, letters: int) -> None:
        """Dead letters are sent again, as dead_letter.redrive asks."""
        self._log.info("redrive_started", letters=letters)

    def redrive_ended(self, *, replayed: int, failed_again: int, left: int, stopped: str | None) -> None:
        """They are through, or something stopped it."""
        self._log.info("redrive_ended", replayed=replayed, failed_again=failed_again, left=left, stopped=stopped)

    def redrive_failed(self, *, detail: str) -> None:
        """The dead letters cannot be read or resolved; it is tried again."""
        self._log.warning("redrive_failed", detail=detail)

    # --- what an operator should look into ------------------------------------------------------------------------

    def poison(self, letter: DeadLetter) -> None:
        """One record kept failing while others succeeded, and is given up to the dead-letter topic."""
        if self._limiter.admit("poison"):
            self._log.warning(
                "poison",
                topic=letter.record.topic,
                partition=letter.record.partition,
                offset=letter.record.offset,
                route=None if letter.route is None else letter.route.name,
                attempts=letter.attempts,
                detail=letter.message,
                **_traced(letter.trace),
            )

    def rate_view_refused(self, *, detail: str) -> None:
        """The group's offsets cannot be read, so the budget is shared by assigned partitions instead of by demand."""
        self._log.warning(
            "rate_view_refused",
            detail=detail,
            message="Grant this principal DESCRIBE on its group, so that idle replicas lend their share.",
        )

    def key_reloaded(self) -> None:
        """The key file held another key, which is used from now on."""
        self._log.info("key_reloaded")

    def key_unreadable(self, *, detail: str) -> None:
        """The key file could not be read again; the key in use stays in use."""
        if self._limiter.admit("key_unreadable"):
            self._log.warning("key_unreadable", detail=detail, message="Fix the file at track.api_key_file.")

    # --- the configuration, while it is in use --------------------------------------------------------------------

    def configuration_reloaded(
        self,
        *,
        mapping: int,
        before: int,
        configuration: str,
        routes_added: Sequence[str],
        routes_removed: Sequence[str],
        tried_again: Sequence[str],
        because: str,
        seconds: float,
    ) -> None:
        """The file's mapping works from now on; `tried_again` are topics that dead letters of the old one held."""
        self._log.info(
            "configuration_reloaded",
            because=because,
            mapping=f"{mapping:09d}",
            before=f"{before:09d}",
            configuration=configuration,
            routes_added=list(routes_added),
            routes_removed=list(routes_removed),
            tried_again=list(tried_again),
            seconds=round(seconds, 3),
        )

    def configuration_refused(self, *, file: str, problems: Sequence[str], mapping: int, watched: bool) -> None:
        """Nothing of the file is taken over, for all of these problems."""
        again = "it is looked at again by itself" if watched else "then send SIGHUP again"
        self._log.error(
            "configuration_refused",
            file=file,
            problems=list(problems),
            mapping=f"{mapping:09d}",
            message=f"What ran before runs on. Fix the file: {again}. A restart with it as it is would fail, unless the"
            " only problem is a key that needs one.",
        )

    def configuration_fixed(self, *, seconds: float) -> None:
        """The file that was refused is what the process works by, after this long."""
        self._log.info("configuration_fixed", seconds=round(seconds, 3))

    def configuration_unchanged(self, *, mapping: int) -> None:
        """Somebody sent SIGHUP, and the file says what it said."""
        self._log.info("configuration_unchanged", mapping=f"{mapping:09d}")

    def configuration_unsettled(self, *, file: str) -> None:
        """Somebody sent SIGHUP, and the file was another one each time that it was read."""
        self._log.warning(
            "configuration_unsettled",
            file=file,
            message="It is being written, so nothing of it is taken over. Send SIGHUP once it is complete.",
        )

    def configuration_waits(self, *, mapping: int, before: int) -> None:
        """The file is good, and the Kafka client has not taken its mapping over yet."""
        self._log.warning(
            "configuration_waits",
            mapping=f"{mapping:09d}",
            before=f"{before:09d}",
            message="The Kafka client is being replaced, or does not answer. The mapping is taken over once"
            " there is one again; the one before it works until then. /status says what Kafka is doing.",
        )

    def configuration(self, *, key: str, message: str) -> None:
        """Allowed, but worth a line: as at a start, of a file that is taken over."""
        self._log.warning("configuration", key=key, message=message)

    def first_delivered(self, *, delivered: int, seconds: float) -> None:
        """The API took something, this long after the start: whoever waits for a sign that it works has it."""
        self._log.info(
            "first_delivered",
            delivered=delivered,
            seconds=round(seconds, 3),
            message=completed("It works. From here on `track-bridge status` says how it goes."),
        )

    def nothing_mapped(self, *, records: int, types: Mapping[str, int]) -> None:
        """Many records passed and no route named the type of any: most likely the mapping looks in the wrong place."""
        self._log.warning(
            "nothing_mapped",
            records=records,
            types=dict(types),
            message=completed(
                "No record matched a route. Compare mapping.event_type and the keys of mapping.events with these types;"
                " `track-bridge map --from-topic` shows what becomes of real records."
            ),
        )

    def metadata_key_vanished(self, *, route: str, key: str, reads: str, events: int) -> None:
        """A key that most events of a route had is in none any more: most likely the producer renamed a field."""
        if self._limiter.admit("metadata_key_vanished"):
            self._log.warning(
                "metadata_key_vanished",
                route=route,
                key=key,
                reads=reads,
                events=events,
                message=completed(
                    "Events are sent without it. See whether the producer renamed the field, and correct the path;"
                    " `track-bridge map --from-topic` shows what records have now."
                ),
            )

    def metadata_key_returned(self, *, route: str, key: str, events: int) -> None:
        """Most events of the route have it again."""
        if self._limiter.admit("metadata_key_returned"):
            self._log.info("metadata_key_returned", route=route, key=key, events=events)

    def tick(self) -> None:
        """Tell what was withheld; called about once a second, so that the end of a burst is told too."""
        self._tell_withheld(self._limiter.withheld())

    def _tell_withheld(self, counts: Mapping[Hashable, int]) -> None:
        for kind, count in counts.items():
            self._log.warning("withheld", kind=kind, count=count)


def _failed_step(letter: DeadLetter) -> dict[str, str]:
    """Kind and step of the request that failed; nothing of a track event that is no step."""
    kind = {} if letter.kind == TRACK.name else {"kind": letter.kind}
    step = letter.step
    return kind if step is None else {**kind, "step": f"{step.number + 1}/{step.of}"}


def _traced(traceparent: str | None) -> dict[str, str]:
    """The ids by which a line and its trace are found beside each other; nothing of what is not traced."""
    found = trace_context.parse(traceparent)
    return {} if found is None else {"trace_id": found.trace, "span_id": found.span}
