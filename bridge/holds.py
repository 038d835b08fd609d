"""The one list of reasons why something does not move, and what each means to whoever has to act.

The pipeline, the Kafka side, the pages, the metrics and the log all name a reason by this list; the table of reasons in
docs/operations.md is built from it. A value is what metrics, `/status` and the log show: it is an interface.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.commands import completed


class Reason(enum.StrEnum):
    """Why a request, a partition, a topic or the whole process does not move; or that it does. See `REASONS`."""

    SENDING = "sending"
    IDLE = "idle"
    # --- of the whole process ---------------------------------------------------------------------
    RATE_LIMITED = "rate_limited"
    RETRY_AFTER = "retry_after"
    IN_FLIGHT = "in_flight"
    """As many requests are outside as may be; the next answer frees a place."""
    UNAUTHORIZED = "unauthorized"
    OUTAGE = "outage"
    """Nothing gets through to the API; one probe at a time."""
    MEMBERSHIP = "membership"
    """Kafka has not confirmed for a whole session that this process still owns its partitions."""
    DEAD_LETTERS_UNWRITABLE = "dead_letters_unwritable"
    """Of one partition: a dead letter that can never be written."""
    KAFKA_UNREACHABLE = "kafka_unreachable"
    NOT_JOINED = "not_joined"
    DRAINING = "draining"
    # --- of topics --------------------------------------------------------------------------------
    DEAD_LETTER_HOLD = "dead_letter_hold"
    TOPIC_MISSING = "topic_missing"
    NOT_AUTHORISED = "not_authorised"
    # --- of partitions ----------------------------------------------------------------------------
    OUT_OF_RANGE = "out_of_range"
    """The committed offset is below the log's start or above its end."""
    RECREATED = "recreated"
    """The committed offset belongs to an earlier topic of the same name: what is below it in this log was never read.
    """
    CREATED_AGAIN = "created_again"
    """The topic was deleted and created again while it was read: it is begun again once all that was read is done."""
    NO_START = "no_start"
    POSITION_UNKNOWN = "position_unknown"
    TRANSACTION_HANGING = "transaction_hanging"
    RECORD_TOO_LARGE = "record_too_large"
    SCHEMA_REGISTRY = "schema_registry"
    """The next record names a schema that is not known yet."""
    HELD_BY_OPERATOR = "held_by_operator"
    """Somebody ran ``track-bridge hold``."""
    PAUSED_BY_OPERATOR = "paused_by_operator"
    """Somebody ran ``track-bridge pause``: a hold with an end."""
    IDENTIFY_WAITS = "identify_waits"
    """Requests of users or companies do not get through while events do."""
    UNOWNED = "unowned"
    FAILING_USERS = "failing_users"


@dataclass(frozen=True, slots=True)
class HoldReason:
    """One reason, for people."""

    meaning: str
    advice: str = ""
    """What to do; empty where nothing needs doing. Its commands are completed in `action`."""
    needs_operator: bool = False
    """It does not end by itself."""
    deliberate: bool = False
    """Somebody wants it so: nothing is broken."""
    shown_as: Reason | None = None
    """The reason whose name `/status`, metrics and log show for a partition instead, where that name came first."""

    @property
    def action(self) -> str:
        """What to do, with commands that can be copied."""
        return completed(self.advice)


REASONS: Final[Mapping[Reason, HoldReason]] = {
    Reason.SENDING: HoldReason("Records are being sent."),
    Reason.RATE_LIMITED: HoldReason(
        "Records wait for the rate budget of the API token.",
        "Nothing, if the lag shrinks over the day; otherwise have the token's limit raised and set"
        " delivery.rate_limit. More replicas do not help.",
    ),
    Reason.RETRY_AFTER: HoldReason(
        "The Track API asked to wait, or the next attempt of the records is not due yet.",
        "Nothing: sending resumes by itself at the time shown.",
    ),
    Reason.IN_FLIGHT: HoldReason("As many requests are on the wire as may be.", shown_as=Reason.SENDING),
    Reason.UNAUTHORIZED: HoldReason(
        "The Track API refuses the API key or the address (401, 403, 404, 405); all sending is held.",
        "Put a valid key into the file of track.api_key_file and check track.endpoint. The file is read again every"
        " track.auth.recheck; one event then probes it. A changed endpoint needs a restart.",
        needs_operator=True,
    ),
    Reason.DEAD_LETTER_HOLD: HoldReason(
        "Too many records of this topic in a row became dead letters and none was delivered; the topic is held.",
        "Look at the reasons of the last dead letters, and fix the mapping or the producer. Then restart, or where the"
        " cause is gone without that, `track-bridge release TOPIC` counts from zero.",
        needs_operator=True,
    ),
    Reason.OUTAGE: HoldReason(
        "Nothing gets through: the Track API does not answer as it should, or Kafka's group coordinator does not.",
        "Check the service the detail names; sending resumes by itself once it answers.",
    ),
    Reason.MEMBERSHIP: HoldReason(
        "Kafka's group coordinator has not confirmed for a whole session that the partitions are still ours.",
        "Check the Kafka brokers; sending resumes by itself once the coordinator answers.",
        shown_as=Reason.OUTAGE,
    ),
    Reason.DEAD_LETTERS_UNWRITABLE: HoldReason(
        "A dead letter cannot be written, and nothing is skipped for that.",
        "Check the dead-letter topic: that it exists, its ACLs, its in-sync replicas, its max.message.bytes.",
        needs_operator=True,
    ),
    Reason.KAFKA_UNREACHABLE: HoldReason(
        "No Kafka broker answers, so nothing is read and nothing can be committed.",
        "Check the brokers the detail names, the network between, and the login in kafka.properties. Reading resumes"
        " by itself once a broker answers.",
    ),
    Reason.NOT_JOINED: HoldReason(
        "The consumer group has not given this process its partitions yet.",
        "Nothing, for up to a minute. Longer: `track-bridge check` shows brokers, permissions and the members of the "
        "group.",
    ),
    Reason.TOPIC_MISSING: HoldReason(
        "A topic that kafka.topics names does not exist on this cluster; nothing is read from it until it does.",
        "Create the topic, or correct kafka.topics and restart. A topic that appears is read without a restart.",
        needs_operator=True,
    ),
    Reason.NOT_AUTHORISED: HoldReason(
        "This user may not read a topic that kafka.topics names.",
        "Grant it READ and DESCRIBE on the topic; that needs no restart.",
        needs_operator=True,
    ),
    Reason.OUT_OF_RANGE: HoldReason(
        "The committed offset lies outside the log: retention removed records before they were sent, or the topic"
        " was recreated. It is never reset silently.",
        "Set the committed offset with `track-bridge offsets set TOPIC/PARTITION --to OFFSET`, beside the replica "
        "that has the partition, or with kafka-consumer-groups --reset-offsets while no replica runs.",
        needs_operator=True,
    ),
    Reason.RECREATED: HoldReason(
        "The committed offset belongs to an earlier topic of the same name.",
        "Set the committed offset with `track-bridge offsets set TOPIC/PARTITION --to OFFSET`, beside the replica "
        "that has the partition, or with kafka-consumer-groups --reset-offsets while no replica runs.",
        needs_operator=True,
        shown_as=Reason.OUT_OF_RANGE,
    ),
    Reason.CREATED_AGAIN: HoldReason(
        "The topic was deleted and created again while it was read.",
        "Nothing: it is read from its beginning by itself, as soon as all that was read of the earlier one is done.",
        shown_as=Reason.OUT_OF_RANGE,
    ),
    Reason.NO_START: HoldReason(
        "The group has no committed offset for this topic, and kafka.start_from says error.",
        "Set kafka.start_from to earliest, latest, a time or an age, and restart; or set one with `bridge"
        " offsets set TOPIC/PARTITION --to OFFSET`, beside the replica that has the partition.",
        needs_operator=True,
    ),
    Reason.POSITION_UNKNOWN: HoldReason(
        "The group's committed offset of this partition, or what belongs to it, could not be read; it is asked for"
        " again.",
        "Nothing, for up to a minute. Longer: check the brokers, and that this user has READ on the group.",
    ),
    Reason.TRANSACTION_HANGING: HoldReason(
        "A producer's transaction on this partition is open and does not end, so nothing after it can be read.",
        "Find the transaction with kafka-transactions find-hanging, and end it with kafka-transactions abort.",
        needs_operator=True,
    ),
    Reason.RECORD_TOO_LARGE: HoldReason(
        "The next batch of this partition cannot be decompressed: it becomes too large, or it is damaged.",
        "Raise kafka.properties.receive.message.max.bytes, and the memory with it, or go past the batch with"
        " `track-bridge offsets set TOPIC/PARTITION --to OFFSET`, beside the replica that has the partition.",
        needs_operator=True,
    ),
    Reason.SCHEMA_REGISTRY: HoldReason(
        "The next record of this partition names a schema that is not known yet: the schema registry does not answer as"
        " it should, or does not know the schema.",
        "Check the registry that the detail names. Reading resumes by itself once it has the schema. A record whose"
        " schema stays unknown for schema_registry.unknown_id_after becomes a dead letter.",
    ),
    Reason.HELD_BY_OPERATOR: HoldReason(
        "An operator holds it: the partition is not read, and its committed offset stays. The hold is kept"
        " with the committed offset, so it survives restarts and moves to another replica.",
        "Run `track-bridge release TOPIC` beside the replica that has the partition, when it may be sent again.",
        needs_operator=True,
        deliberate=True,
    ),
    Reason.PAUSED_BY_OPERATOR: HoldReason(
        "An operator paused it: the partition is not read until the time shown. The pause is kept with the committed"
        " offset, so it survives restarts, moves to another replica, and ends there.",
        "Nothing: it ends by itself at the time shown. `track-bridge resume TOPIC` ends it now.",
        deliberate=True,
        shown_as=Reason.HELD_BY_OPERATOR,
    ),
    Reason.IDENTIFY_WAITS: HoldReason(
        "Identify or company requests do not get through, or the Track API asked to wait with them. Events of users"
        " whose identify was accepted are sent meanwhile; what has to come after such a request waits.",
        "Nothing, for some minutes: they are tried again by themselves. Longer: check the service and the request that"
        " the detail names, and above all delivery.identify_rate_limit if it asks to wait.",
    ),
    Reason.UNOWNED: HoldReason(
        "No member of the group has this partition, so nobody reads it.",
        "Nothing, while the group rebalances or the session of a killed member runs out. Longer: `track-bridge check` "
        "shows the members of the group.",
    ),
    Reason.FAILING_USERS: HoldReason(
        "As many records as may wait behind users whose events keep failing while others are accepted; the partition is"
        " read on in small steps.",
        "Look at what the API answers to them: retries in `track-bridge status`. It ends by itself, when they are "
        "accepted or given up to the dead-letter topic.",
    ),
    Reason.DRAINING: HoldReason(
        "The process is stopping or gives the partition up: what is in flight may finish, nothing new starts.",
    ),
    Reason.IDLE: HoldReason("Everything that arrived is done."),
}

GATES: Final = (
    Reason.UNAUTHORIZED,
    Reason.DEAD_LETTERS_UNWRITABLE,
    Reason.OUTAGE,
    Reason.MEMBERSHIP,
    Reason.RETRY_AFTER,
    Reason.RATE_LIMITED,
    Reason.DRAINING,
    Reason.KAFKA_UNREACHABLE,
)
"""What can keep the whole process from sending the next request, as `blocked` names it."""

KIND_GATES: Final = (Reason.OUTAGE, Reason.RETRY_AFTER, Reason.RATE_LIMITED)
"""What can keep requests of one kind while others are sent."""

PARTITION_HOLDS: Final = (
    Reason.OUT_OF_RANGE,
    Reason.NO_START,
    Reason.DEAD_LETTER_HOLD,
    Reason.DEAD_LETTERS_UNWRITABLE,
    Reason.POSITION_UNKNOWN,
    Reason.TRANSACTION_HANGING,
    Reason.RECORD_TOO_LARGE,
    Reason.SCHEMA_REGISTRY,
    Reason.HELD_BY_OPERATOR,
)
"""What can hold one partition while others deliver, by the name that is shown."""

TOPIC_PROBLEMS: Final = (Reason.TOPIC_MISSING, Reason.NOT_AUTHORISED)
"""Why a topic of kafka.topics yields nothing."""


def shown(reason: Reason) -> Reason:
    """The reason as `/status`, metrics and log name it at a partition."""
    return REASONS[reason].shown_as or reason


SHOWN: Final = tuple(reason for reason in REASONS if shown(reason) is reason)
"""All names that are shown."""
