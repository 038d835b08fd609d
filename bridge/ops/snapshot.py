"""What the service looks like at one moment: plain numbers, taken on the loop's thread, read by metrics and status.

Nothing here changes after it was built, so a page rendered from a snapshot is consistent in itself: the accounting
identity holds on it however long it is shown. What is counted is in it whole (`bridge.counts`). Times are Unix seconds,
durations seconds, rates requests per second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.ops.group_view import GroupView, TopicProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.counts import RouteTally, SinkStats, SourceCounts, Tally
    from bridge.holds import Reason
    from bridge.mapping.absent_keys import KeyCount
    from bridge.model import FailedAnswer, Retried, TopicPartition


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead letters of the topic that nobody has settled, whoever wrote them."""

    open_by_reason: Mapping[str, int] | None = None
    """None: not counted yet."""
    open_at_least: frozenset[str] = frozenset()
    """Reasons of which there may be more open ones than were counted."""
    oldest_open: float | None = None
    """Unix time at which the oldest of them was written; None: there is none."""
    retention: float | None = None
    """Seconds after which Kafka deletes them, infinite: never for their age; None: not known."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The token's budget."""

    limit: float | None = None
    """For all replicas together; None: unlimited."""
    share: float | None = None
    """What this replica may use now; None: unlimited."""
    view_age: float | None = None
    """Age of the view of the group the share is computed from; None: there is none."""
    limited_seconds: float = 0.0
    """Time in which something was ready to be sent and only the rate kept it."""
    used_last_minute: int = 0
    """Requests started in the last 60 s."""


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A gate that is closed."""

    gate: Reason
    """One of `holds.GATES`."""
    since: float
    sentence: str = ""
    """What is known of this case; empty: the general meaning says it all."""
    until: float | None = None
    """When it opens by itself, where that is known."""
    next_try: float | None = None
    """When it is tried again: a probe, the next attempt to write. Only what comes of it tells whether it opens."""
    action: str = ""
    """What to do in this case; empty: what is always to be done for this reason."""
    kind: str | None = None
    """The only kind of request that it keeps; None: it keeps everything, or all events."""


@dataclass(frozen=True, slots=True)
class KindView:
    """The requests of one kind."""

    kind: str
    """See `model.RequestKind.name`."""
    in_flight: int = 0
    gates: Sequence[ClosedGate] = ()
    """What keeps this kind from being sent, of what each kind has for itself: an outage, a pause the API asked for."""
    limited_seconds: float = 0.0
    """Time in which a request of it was ready and only the rate kept it."""
    limit: float | None = None
    """Of its budget, for all replicas together, which kinds may share; None: unlimited."""
    share: float | None = None
    """What this replica may use of it now; None: unlimited."""


@dataclass(frozen=True, slots=True)
class AwaitingUsers:
    """What waits for an identify."""

    events: int = 0
    users: int = 0
    """Of whom these events are."""
    settling: int = 0
    """Events that wait for `track.identify_settle`."""


@dataclass(frozen=True, slots=True)
class MovingBacklog:
    """How many records wait, of the whole group or of one partition, and how that number has moved."""

    records: int
    since: float
    """Unix seconds from which on it was watched."""
    before: int
    """How many waited then."""
    at: float
    """Unix seconds at which `records` waited."""
    arrived: int | None = None
    """Records that were written meanwhile; None: not watched."""
    speed: float | None = None
    """Seconds of the log that the oldest record that waits moved on by in each second: 1 keeps its age, 0 stands still.
    None: not known."""

    @property
    def per_second(self) -> float:
        """Records by which it grew; negative: it shrinks."""
        return (self.records - self.before) / (self.at - self.since)

    @property
    def arriving(self) -> float | None:
        """Records a second that are written."""
        return None if self.arrived is None else self.arrived / (self.at - self.since)

    @property
    def done(self) -> float | None:
        """Records a second that are sent, filtered or given up."""
        return None if self.arrived is None else max(0.0, self.arrived / (self.at - self.since) - self.per_second)


@dataclass(frozen=True, slots=True)
class TopicHold:
    """A topic the dead-letter breaker holds."""

    topic: str
    since: float
    sentence: str


@dataclass(frozen=True, slots=True)
class PartitionHold:
    """Why one partition alone waits."""

    why: Reason
    """What Kafka's side holds it for, or DEAD_LETTERS_UNWRITABLE for a letter that does not fit."""
    since: float
    sentence: str
    next_try: float | None = None
    """When it is looked at again, of those that may end by that."""
    until: float | None = None
    """When it ends by itself, in Unix seconds, where that is decided."""
    needs_someone: bool = False
    """This case does not end by itself, as others of its reason do."""
    action: str = ""
    """What to do in this case; empty: what is always to be done for this reason."""


@dataclass(frozen=True, slots=True)
class OldestOpen:
    """The record at a partition's position: nothing above it can be committed before it is complete."""

    offset: int
    since: float
    """Since when the position is here."""
    timestamp: float | None = None
    """The record's own; None where the broker gave none."""
    attempts: int = 0
    """Requests already made for it."""
    retry_at: float | None = None
    """When its next attempt is due, if it is parked."""
    retried: Retried | None = None
    """What its attempts came to, if one failed."""
    waits_for: str | None = None
    """The kind of request that it is, or waits for, where that is no track request."""
    settles_at: float | None = None
    """Until when it waits for an identify to settle."""


@dataclass(frozen=True, slots=True)
class PartitionView:
    """One assigned partition."""

    partition: TopicPartition
    position: int | None
    """The lowest open offset; None: it has no start yet."""
    end: int | None
    """The offset the next record produced would get; None: not known yet."""
    open_records: int = 0
    in_flight: int = 0
    """Its requests on the wire and letters on their way."""
    oldest: OldestOpen | None = None
    hold: PartitionHold | None = None
    start: int | None = None
    """The first offset of the log, where it was asked for: of partitions that are not read."""
    crowded: bool = False
    """As many records as may wait behind users whose events fail: it is read on in small steps."""
    draining: bool = False
    """It is being revoked: nothing new starts, what is in flight may finish."""
    drains_until: float | None = None
    """Until then, in Unix seconds."""
    done_above: int = 0
    """Offsets above the position at which nothing is left to do."""

    @property
    def undone(self) -> int | None:
        """Records that are not complete: handed over, or not read yet; None while the lag is not known.

        The lag counts what is complete above the position as well. Of a position outside the log nothing is known to
        be: it was of what the log does not have, or no longer has.
        """
        lag, position = self.lag, self.position
        if lag is None or position is None or self.end is None:
            return lag
        is_outside = self.start is not None and not self.start <= position <= self.end
        return lag if is_outside else max(self.open_records, lag - self.done_above)

    @property
    def lag(self) -> int | None:
        """Records between the position and the log's end; None while either is unknown.

        Where there is no position, or one outside the log, all that the log has waits.
        """
        begins, start = self.position, self.start
        if self.end is None:
            return None
        if start is not None and (begins is None or not start <= begins <= self.end):
            begins = start
        return None if begins is None else max(0, self.end - begins)

    def oldest_age(self, now: float) -> float:
        """Seconds since the oldest record that is not complete was produced, or was first seen to wait, whichever came
        first: a timestamp that lies ahead says nothing of when it was produced. 0 where none waits.
        """
        if self.oldest is None:
            return 0.0
        since, timestamp = self.oldest.since, self.oldest.timestamp
        return max(0.0, now - (since if timestamp is None else min(since, timestamp)))


@dataclass(frozen=True, slots=True)
class RegistryView:
    """The schema registry, as far as it was asked. Never a login."""

    urls: Sequence[str]
    state: str
    """``idle``: not asked yet; ``ok``, ``trouble``: by the last look-up."""
    since: float | None
    """Since when that is so."""
    problem: str | None
    """Why the last look-up failed, as a sentence."""
    known: int
    """Schemas."""
    unknown: int
    """References that the registry does not know, by its last answer."""
    from_folder: int
    """Schemas read from `schema_registry.cache_dir`."""
    waiting: Sequence[str] = ()
    """References that partitions wait for."""
    lookups: Mapping[str, int] = field(default_factory=dict)
    """By result, all that there are."""
    requests: int = 0


@dataclass(frozen=True, slots=True)
class MembershipView:
    """The process as a member of its consumer group."""

    protocol: str = "classic"
    """The group protocol it is a member under, or tries to be: classic or consumer."""
    commit_age: float | None = None
    """Seconds since Kafka last acknowledged a commit; None: never."""
    membership_age: float | None = None
    """Seconds since Kafka last confirmed the membership; None: never."""
    out_of_range: int = 0
    """Assignments that found the committed position outside the log."""


@dataclass(frozen=True, slots=True)
class RecordedLoss:
    """Offsets of one partition that left the log before their records were done."""

    partition: TopicPartition
    start: int
    stop: int | None
    """The first that was still there; None: nobody knows how many are gone."""
    reason: str
    at: float
    """Unix seconds at which it was found last."""


@dataclass(frozen=True, slots=True)
class RecordedLosses:
    """What is recorded of the whole group's losses, by whichever process found them."""

    at_most: int
    """Records that are lost at most, as far as their number is known."""
    unknown: int
    """Losses of which it is not."""
    since: float | None
    """Unix seconds of the first; None: there is none."""
    shown: Sequence[RecordedLoss]
    """The latest first, some twenty at most."""
    count: int
    problem: str | None = None
    """Why one that this process found is not recorded."""
    is_read: bool = True
    """Whether what is recorded was read; while it could not be, no count says anything."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """The API key, never its value."""

    reloads: int = 0
    """Times the key file was read and held another key."""
    problem: str | None = None
    """Why the key file could not be read again, as a sentence."""
    problem_since: float | None = None
    """Unix time of the first of the readings that failed."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """When one that this process relies on ends."""

    certificate: str
    """Which: `config.certificates.PROPERTIES` names those of files; ``track_server`` is what the Track API showed."""
    source: str
    """``used``: what the clients read at the start, or the server showed; ``file``: what a restart would read."""
    not_after: float
    """Unix time."""


@dataclass(frozen=True, slots=True)
class Build:
    """What this process is made of."""

    revision: str = "unknown"
    """The commit."""
    configuration: str = "unknown"
    """`config.fingerprint.configuration_hash`."""
    librdkafka: str = "unknown"
    python: str = "unknown"


@dataclass(frozen=True, slots=True)
class ConfigurationView:
    """What the process works by, and what its file holds."""

    hash: str = "unknown"
    """`config.fingerprint.configuration_hash`."""
    mapping: int | None = None
    """`config.fingerprint.mapping_number`; None: not known."""
    loaded_at: float | None = None
    """Unix time from which on it works by this."""
    file_hash: str | None = None
    """As `hash`, of the file when it was read last; None where it held no configuration."""
    file_problems: Sequence[str] = ()
    """Why the file is not taken over, a sentence each; none: it is what the process works by."""
    file_since: float | None = None
    """Unix time from which on it is refused."""
    is_watched: bool = False
    """Whether the file is looked at again and again, and not on SIGHUP alone."""
    reloads: int = 0
    """Times that something of the file was taken over without a restart."""
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class KafkaLost:
    """No broker answers."""

    since: float
    detail: str
    """Which brokers, with the error of each."""
    partitions: Sequence[TopicPartition] = ()
    """Those this process had when Kafka fell silent."""


@dataclass(frozen=True, slots=True)
class LoginView:
    """Whether tokens for the login at Kafka can be had."""

    problem: str | None = None
    """Why not, as a sentence without its full stop."""
    problem_since: float | None = None
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What liveness and readiness are decided from; cheap enough to be taken for every probe."""

    poll_age: float
    """Seconds since the poll thread's last beat."""
    loop_age: float
    """Seconds since the loop's last beat."""
    joined: bool
    """The group gave this process its (possibly empty) assignment."""
    joined_before: bool = field(default=False, kw_only=True)
    """It had one earlier, and lost it."""
    draining: bool
    """The process is stopping, or finishes what is in flight of partitions it gives up."""
    stopping: bool
    join_problem: str | None = None
    """Why the group does not let this process in, where it said so."""
    unauthorized: str | None = None
    """The 401 guard holds all sending: the sentence why."""
    dead_letters: str | None = None
    """The dead-letter topic cannot be written: the sentence why."""
    kafka: str | None = None
    """No Kafka broker answers: the sentence which, and with which error."""
    topic_problems: Sequence[TopicProblem] = ()
    """Configured topics that yield nothing, each with the reason."""
    nothing_to_read: TopicProblem | None = None
    """None of the configured topics yields anything: one of the reasons."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything `/metrics` and `/status` show."""

    at: float
    version: str
    group_id: str
    started_at: float
    vitals: Vitals
    tally: Tally
    """A copy of what the loop counts, as `requests` and `consumer` are of what the sink and the poll thread count."""
    requests: SinkStats
    consumer: SourceCounts
    letters: Letters
    rate: Rate
    group: MembershipView
    key: KeyView
    routes: Mapping[str, RouteTally] = field(default_factory=dict)
    """Every route of the mapping in its order, also those that never matched; then those of mappings before it."""
    keys: Mapping[tuple[str, str], KeyCount] = field(default_factory=dict)
    """By route and metadata key: of how many events it found nothing. Of routes that had any."""
    in_flight_requests: int = 0
    kinds: Sequence[KindView] = ()
    """Of each kind there is."""
    awaiting: AwaitingUsers = field(default_factory=AwaitingUsers)
    parked: int = 0
    """Records waiting for the time of their next attempt."""
    paused: bool = False
    """Consumption is paused because the buffers stayed full."""
    blocks: Sequence[ClosedGate] = ()
    kafka_lost: KafkaLost | None = None
    login: LoginView = field(default_factory=LoginView)
    registry: RegistryView | None = None
    """None: none is configured."""
    group_view: GroupView = field(default_factory=GroupView)
    held_topics: Sequence[TopicHold] = ()
    partitions: Sequence[PartitionView] = ()
    retention: Mapping[str, float] = field(default_factory=dict)
    """By topic: seconds after which Kafka deletes its records, infinite: never for their age; as far as known."""
    log_write_failures: int = 0
    join_problem_since: float | None = None
    """Unix seconds from which on the group has not let this process in, for the reason in `vitals`."""
    recorded_losses: RecordedLosses | None = None
    """None: not read yet."""
    control_problem: str | None = None
    """Why `track-bridge hold` and `track-bridge release` do not reach this process; None: they do, or no socket is."""
    backlog: MovingBacklog | None = None
    """None: not watched for long enough, or not lately."""
    moved: Mapping[TopicPartition, MovingBacklog] = field(default_factory=dict)
    """How what waits in this replica's partitions moved, of those that were watched for long enough."""
    budget: float | None = None
    """How many times as fast as over that watch the rate lets records go now; None: the rate keeps nothing waiting."""
    certificates: Sequence[Certificate] = ()
    build: Build = field(default_factory=Build)
    configuration: ConfigurationView = field(default_factory=ConfigurationView)
    retries: Sequence[Retried] = ()
    """Events that failed and are tried again, those with most attempts first."""
    failures: Sequence[FailedAnswer] = ()
    """In which ways requests failed lately, the last one first."""
    failures_left_out: int = 0
    """Ways that were seen longer ago and are no longer kept."""
    failing_users: int = 0
    """Users (or what else `delivery.ordering` keeps in order) of whom the next event failed."""

    @property
    def forced_drains(self) -> int:
        """Drains whose time ran out, of the process or of partitions that were given up."""
        return self.tally.forced_drains + self.consumer.forced_drains
