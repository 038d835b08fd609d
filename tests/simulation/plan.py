"""One history before it happens: everything in it is decided by one integer seed, or by the test that wrote it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.config.keys.scalars import StartPoint
from bridge.config.sections import KnownUsers, Ordering, RetryPolicy
from bridge.kafka import terms
from bridge.pipeline.settings import DeliverySettings

SESSION: Final = 10.0
HEARTBEAT: Final = 1.0
"""Seconds between two heartbeats of a member: so much of its session may be over when it falls silent."""
DRAIN_TIMEOUT: Final = 6.0
TRACK_TIMEOUT: Final = 4.0
"""Seconds until the sink gives up on an answer; below the drain's own limit, as the configuration demands."""

PROCESS_FAULTS = ("kill", "kill", "freeze", "freeze", "blink", "cut", "stop", "join", "leave", "clock")
GROUP_FAULTS = ("shuffle", "kick", "refuse_commits", "slow_commits", "lose_commits", "unreadable", "grow", "leaders")
TOPIC_FAULTS = ("recreate", "rewind", "delete_records")
LOG_FAULTS = ("transaction", "transaction", "retain", "appear", "appear")
API_FAULTS = (
    "outage",
    "down",
    "flaky",
    "flaky",
    "hang",
    "throttle",
    "slow",
    "key_dies",
    "bad_key",
    "address",
    "poison",
)
CLOCK_FAULTS = ("api_clock",)
"""Beside `clock`, which is a process's. Drawn apart from the others, too."""
USER_FAULTS = ("poison", "crowd", "crowd", "throttled_user")
"""Drawn apart from the others, because they last longer."""
OPERATOR_FAULTS = ("hold", "hold", "start_over")
"""Drawn apart from the others."""
SET_FAULTS = ("set",)
"""Likewise."""
REGISTRY_FAULTS = ("registry_down", "registry_down", "registry_slow")
"""Drawn apart from the others."""
KIND_FAULTS = ("identify_down", "identify_down", "identify_throttled", "company_down", "identify_refused")
"""Drawn apart from the others."""
LETTER_FAULTS = ("letters_refused", "letters_slow", "letters_lost_receipts")
ALL_FAULTS = (
    PROCESS_FAULTS
    + GROUP_FAULTS
    + TOPIC_FAULTS
    + LOG_FAULTS
    + API_FAULTS
    + CLOCK_FAULTS
    + USER_FAULTS
    + LETTER_FAULTS
    + OPERATOR_FAULTS
    + SET_FAULTS
    + REGISTRY_FAULTS
    + KIND_FAULTS
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at a time, for a while."""

    at: float
    """Seconds from the beginning."""
    kind: str
    seconds: float = 0.0
    target: int = 0
    """Which process, partition or user; counted over those that there are when it happens."""
    share: float = 0.5
    """Of requests, where a fault concerns some of them."""

    def __str__(self) -> str:
        return (
            f"{self.at:7.2f}  {self.kind:<22} for {self.seconds:5.2f} s, target {self.target}, share {self.share:.2f}"
        )


@dataclass(frozen=True, slots=True)
class Produced:
    """One record that somebody writes.

    Words joined by ``+``, one per event: ``u3`` is an event of this user; ``u3*400`` one that the API rejects so;
    ``-`` is filtered, ``!`` cannot be mapped, and a record with ``L`` has dead letters that fit no topic. Where one is
    joined by ``>`` all are steps: ``u3~identify>c1~company>u3``.
    """

    at: float
    topic: str
    pick: int
    """Its partition, modulo the number of partitions at that time."""
    value: str
    gap: int = 0
    """Offsets left out before it, as compaction and transactions do."""
    behind: int = 0
    """Offsets behind it that hold no record: the last one is a transaction's marker; below 0: compaction took them."""
    schema: int = 0
    """Without which it says nothing; 0: it needs none."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A position that somebody wrote by hand before the first process started, with a map that is not its own."""

    topic: str
    offset: int
    kind: str
    """Which part of the map does not fit: base, topic, epoch or checksum."""


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    settings: DeliverySettings
    commit_interval: float
    processes: int
    topics: tuple[tuple[str, int], ...]
    records: tuple[Produced, ...]
    faults: tuple[Fault, ...] = ()
    copied: tuple[Copied, ...] = ()
    classic: bool = False
    """Whether rebalances wait for all members, as under the classic group protocol."""
    start_from: StartPoint = StartPoint.EARLIEST
    late_schemas: tuple[tuple[int, float], ...] = ()
    """Schemas, and the seconds from the beginning at which the registry has them."""
    rest_follows: bool = False
    """Whether the steps behind an identify that is refused are sent nevertheless."""
    mended_at: float = field(default=60.0)
    """Seconds until every fault is over and everything that was broken is mended."""


def plan(seed: int) -> Plan:
    """The history of this seed."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    topics = tuple((f"t{n}", rng.choice((1, 1, 2, 3))) for n in range(rng.choice((1, 1, 2))))
    span = rng.choice((10.0, 20.0, 40.0))
    faults = (*_faults(rng, span), *_faults_apart(random.Random(f"apart {seed}"), span))  # noqa: S311 - as above
    records = _records(rng, topics, span)
    settings = _settings(rng, len(records))
    commit_interval = rng.choice((0.2, 1.0, 1.0))
    processes = rng.choice((1, 2, 2, 3))
    copied = _copied(rng, topics)
    logs = random.Random(seed * 10 + 5)  # noqa: S311 - of its own: what was drawn before stays as it was
    faults = tuple(sorted([*faults, *_log_faults(logs, span)], key=lambda fault: fault.at))
    records = _with_gaps(logs, records)
    group = random.Random(seed * 10 + 6)  # noqa: S311 - likewise
    classic = group.random() < 0.5
    faults = tuple(sorted([*faults, *_broker_faults(group, span)], key=lambda fault: fault.at))
    operator = random.Random(seed * 10 + 7)  # noqa: S311 - likewise
    faults = tuple(sorted([*faults, *_operator_faults(operator, span)], key=lambda fault: fault.at))
    setter = random.Random(seed * 10 + 8)  # noqa: S311 - likewise
    faults = tuple(sorted([*faults, *_set_faults(setter, span)], key=lambda fault: fault.at))
    schemas = random.Random(f"schemas {seed}")  # noqa: S311 - likewise
    late: tuple[tuple[int, float], ...] = ()
    if schemas.random() < 0.3:
        records, late = _with_schemas(schemas, records, span)
        faults = tuple(sorted([*faults, *_registry_faults(schemas, span)], key=lambda fault: fault.at))
    users = random.Random(f"customers {seed}")  # noqa: S311 - likewise
    rest_follows = False
    if users.random() < 0.3:
        records, rest_follows = _with_steps(users, records), users.random() < 0.3
        settings = _with_users(users, settings)
        faults = tuple(sorted([*faults, *_kind_faults(users, span)], key=lambda fault: fault.at))
    return Plan(
        rest_follows=rest_follows,
        seed=seed,
        settings=settings.model_copy(update={} if classic else {"session_timeout": terms.trust_of(SESSION, HEARTBEAT)}),
        commit_interval=commit_interval,
        processes=processes,
        topics=topics,
        records=records,
        faults=faults,
        copied=copied,
        late_schemas=late,
        classic=classic,
        start_from=logs.choice((StartPoint.EARLIEST, StartPoint.EARLIEST, StartPoint.LATEST)),
        mended_at=max([span, *(fault.at + fault.seconds for fault in faults)]) + 1.0,
    )


def _with_schemas(
    rng: random.Random, records: tuple[Produced, ...], span: float
) -> tuple[tuple[Produced, ...], tuple[tuple[int, float], ...]]:
    """Some or all of the records name one of a few schemas; some of these are registered late, or never."""
    schemas, share = rng.choice((1, 3, 10)), rng.choice((0.1, 0.5, 1.0))
    late = [(n, rng.choice((rng.uniform(0.0, span), 1e9))) for n in range(1, schemas + 1) if rng.random() < 0.2]
    named = [replace(each, schema=rng.randint(1, schemas)) if rng.random() < share else each for each in records]
    return tuple(named), tuple(late)


def _with_steps(rng: random.Random, records: tuple[Produced, ...]) -> tuple[Produced, ...]:
    """Some of the records say of a user or a company what is known before they say what happened."""
    share = rng.choice((0.0, 0.2, 0.7))

    def steps(each: Produced) -> Produced:
        if each.value.startswith("[") or rng.random() >= share:
            return each
        first = each.value.removesuffix("L").partition("+")[0].partition("*")[0]
        user = first if first not in "-!" else "u0"
        identify, company = f"{user}~identify>", f"c{rng.randrange(3)}~company>"
        before = rng.choice((identify, company, identify + company, "!>"))
        return replace(each, value=before + each.value)

    return tuple(steps(each) for each in records)


def _with_users(rng: random.Random, settings: DeliverySettings) -> DeliverySettings:
    limit = settings.rate_limit
    return settings.model_copy(
        update={
            "unknown_users": rng.choice(("identify", "identify", "send")),
            "known_users": KnownUsers.model_construct(size=rng.choice((1, 10, 1000)), ttl=rng.choice((3.0, 1e6))),
            # Where users wait for each other, each event of a whole partition may wait so long for its own identify.
            "identify_settle": rng.choice((0.0, 0.0, 1.0 if settings.ordering in ("user", "none") else 0.05)),
            "identify_rate_limit": None if limit is None else limit * rng.choice((1, 2)),
            "shared_rate_limit": rng.random() < 0.3,
        }
    )


def _kind_faults(rng: random.Random, span: float) -> list[Fault]:
    """Requests of one kind that do not get through, while the others do."""
    return [
        Fault(round(rng.uniform(0.0, span), 2), rng.choice(KIND_FAULTS), round(rng.uniform(0.5, 30.0), 2))
        for _ in range(rng.choice((0, 1, 1, 2)))
    ]


def _registry_faults(rng: random.Random, span: float) -> list[Fault]:
    """A registry that is away as soon as it is needed, or somewhere in between."""
    return [
        Fault(
            round(rng.choice((0.0, rng.uniform(0.0, span))), 2),
            rng.choice(REGISTRY_FAULTS),
            round(rng.choice((rng.uniform(0.1, 2.0), rng.uniform(2.0, 40.0))), 2),
        )
        for _ in range(rng.choice((0, 1, 1, 2)))
    ]


def _broker_faults(rng: random.Random, span: float) -> list[Fault]:
    """Brokers that go away, stops while another replica joins, members put out while they wait for answers."""
    faults = []
    if rng.random() < 0.15:
        faults.append(Fault(round(rng.uniform(0.5, span), 2), "brokers_away", round(rng.uniform(0.5, 20.0), 2)))
    if rng.random() < 0.3:
        at = round(rng.uniform(2.0, span), 2)
        faults.append(Fault(at, rng.choice(("join", "kill")), 2.0, rng.randrange(12)))
        faults.append(Fault(round(at + rng.uniform(0.0, 3.0), 2), "stop", 2.0, rng.randrange(12)))
    if rng.random() < 0.15:
        # Put out of the group while answers are outstanding.
        at = round(rng.uniform(2.0, span), 2)
        faults.append(Fault(at, "slow", 6.0, share=0.5))
        faults.append(Fault(round(at + rng.uniform(0.2, 4.0), 2), "kick", 1.0, rng.randrange(12)))
    return faults


def _operator_faults(rng: random.Random, span: float) -> list[Fault]:
    """Somebody holds a topic and releases it, or has its dead letters counted anew."""
    if rng.random() >= 0.25:
        return []
    return [
        Fault(round(rng.uniform(0.5, span), 2), rng.choice(OPERATOR_FAULTS), round(rng.uniform(0.1, 20.0), 2), target)
        for target in rng.sample(range(12), rng.choice((1, 1, 3)))
    ]


def _set_faults(rng: random.Random, span: float) -> list[Fault]:
    """Somebody sets the committed offsets of a topic while it is read, at times while its partitions drain slowly."""
    if rng.random() >= 0.2:
        return []
    faults: list[Fault] = []
    for target in rng.sample(range(12), rng.choice((1, 2))):
        at = round(rng.uniform(1.0, span), 2)
        faults.append(Fault(at, "set", 1.0, target))
        if rng.random() < 0.5:
            faults.append(Fault(max(0.1, round(at - 0.5, 2)), "slow", 3.0, share=0.5))
    return faults


def _settings(rng: random.Random, records: int) -> DeliverySettings:
    orderings: Sequence[Ordering] = ("user", "user", "user", "user", "partition", "key", "none")
    return DeliverySettings.model_construct(
        ordering=rng.choice(orderings),
        max_in_flight=rng.choice((1, 4, 16, 64)),
        max_buffered=rng.choice((10, 40, 2000)),
        identify_rate_limit=None,
        rate_limit=rng.choice((None, None, 10.0, 2.0, 1.0) if records < 60 else (None, None, 10.0, 3.0, 1.0)),
        retry=RetryPolicy.model_construct(
            initial_backoff=rng.choice((0.1, 0.5)),
            max_backoff=4.0,
            max_retry_after=10.0,
            max_attempts=rng.choice((1, 3)),
        ),
        hold_after_unauthorized=rng.choice((0, 2, 5, 5)),
        recheck=3.0,
        hold_after_letters=rng.choice((0, 3, 10, 100)),
        drain_timeout=DRAIN_TIMEOUT,
        session_timeout=SESSION,
    )


def _records(rng: random.Random, topics: Sequence[tuple[str, int]], span: float) -> tuple[Produced, ...]:
    users = rng.choice((1, 5, 30))
    special = rng.choice((0.0, 0.05, 0.3))
    spread = rng.random() < 0.3
    out: list[Produced] = []
    at = 0.0
    wanted = rng.choice((10, 40, 80, 160, 240))
    while len(out) < wanted and at < span:
        for _ in range(rng.choice((1, 3, 15, 40))):
            user = rng.randrange(users)
            words = [_word(rng, user, special)]
            while rng.random() < 0.1:
                words.append(_word(rng, rng.randrange(users), special))
            many = "[" if len(words) > 2 else ""  # a record of many: each of its elements is one event
            value = many + "+".join(words * 8 if many else words) + ("L" if rng.random() < special / 30 else "")
            pick = rng.randrange(12) if spread else user
            gap = rng.choice((1, 2, 5)) if rng.random() < 0.05 else 0
            out.append(Produced(at, rng.choice(topics)[0], pick, value, gap))
        at += rng.expovariate(wanted / span / 8)
    return tuple(out)


def _word(rng: random.Random, user: int, special: float) -> str:
    if rng.random() >= special:
        return f"u{user}"
    return rng.choice(("-", "-", "!", f"u{user}*400", f"u{user}*413", f"u{user}*422"))


def _faults(rng: random.Random, span: float) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    for _ in range(rng.choice((0, 1, 2, 3, 3, 5, 8))):
        kinds = rng.choice(
            (PROCESS_FAULTS, PROCESS_FAULTS, GROUP_FAULTS, API_FAULTS, API_FAULTS, LETTER_FAULTS, TOPIC_FAULTS)
        )
        kind = rng.choice(kinds)
        if kind in TOPIC_FAULTS and rng.random() < 0.6:
            continue
        faults.append(
            Fault(
                round(rng.uniform(0.5, span), 2),
                kind,
                round(rng.choice((rng.uniform(0.1, 2.0), rng.uniform(2.0, 9.0), rng.uniform(9.0, 20.0))), 2),
                rng.randrange(12),
                rng.choice((0.1, 0.5, 0.9)),
            )
        )
    return tuple(sorted(faults, key=lambda fault: fault.at))


def _log_faults(rng: random.Random, span: float) -> list[Fault]:
    """Transactions that stay open for a while, retention that takes what is done, topics that appear."""
    if rng.random() < 0.6:
        return []
    return [
        Fault(
            round(rng.uniform(0.5, span + 10.0), 2),
            rng.choice(LOG_FAULTS),
            round(rng.choice((rng.uniform(0.1, 2.0), rng.uniform(2.0, 20.0))), 2),
            rng.randrange(12),
            rng.random(),
        )
        for _ in range(rng.choice((1, 2, 5)))
    ]


def _with_gaps(rng: random.Random, records: tuple[Produced, ...]) -> tuple[Produced, ...]:
    share = rng.choice((0.0, 0.0, 0.1, 1.0))
    return tuple(
        replace(record, behind=rng.choice((1, 1, 1, 31, -1, -4))) if rng.random() < share else record
        for record in records
    )


def _faults_apart(rng: random.Random, span: float) -> list[Fault]:
    """Users that fail, and an API whose clock is wrong."""
    faults = []
    if rng.random() < 0.3:
        begins, lasts = round(rng.uniform(0.5, span), 2), round(rng.uniform(30.0, 120.0), 2)
        faults.append(Fault(begins, rng.choice(USER_FAULTS), lasts, rng.randrange(12), rng.choice((0.2, 0.5, 0.5))))
    if rng.random() < 0.3:
        faults.append(Fault(round(rng.uniform(0.5, span), 2), rng.choice(CLOCK_FAULTS), 0.0, rng.randrange(12)))
    return faults


def _copied(rng: random.Random, topics: Sequence[tuple[str, int]]) -> tuple[Copied, ...]:
    if rng.random() >= 0.2:
        return ()
    return (Copied(rng.choice(topics)[0], rng.choice((0, 2, 5)), rng.choice(("base", "topic", "epoch", "checksum"))),)
