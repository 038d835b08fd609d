"""``track-bridge topics``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.commands import command
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural

if TYPE_CHECKING:
    from bridge.kafka.admin.inspection import Cluster
    from bridge.kafka.admin.topic_creation import Created, NewTopicPlan

_PLANNED: Final = ("partitions", "replication_factor", "settings")


@about(
    ("See what would be created", "topics create --dry-run"),
    ("Create both topics without being asked", "topics create --retention 60d --yes"),
    findings="A topic could not be created.",
    unreachable="No Kafka broker answers.",
)
def create(
    config: startup.ConfigPath = None,
    retention: Annotated[str, typer.Option(metavar="DURATION", help="How long dead letters are kept.")] = "30d",
    partitions: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            show_default=False,
            help="Of both topics; default: the largest source topic's partition count.",
        ),
    ] = None,
    replication_factor: Annotated[
        int | None, typer.Option(metavar="N", min=1, show_default=False, help="Of both topics; default: the brokers'.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Create without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be created.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document: what became of each topic.")] = False,
) -> ExitCode:
    """Create the dead-letter topic and its .resolutions with the right settings; those that exist stay as they are."""
    start = startup.load(config, reaches_api=False)
    missing, existing = _plans(start, _seconds(retention), partitions, replication_factor)
    plan = tables.table([_row(plan) for plan in missing])
    if json:
        output.to_stderr(plan)
    else:
        looks = f"`{command('check')}` looks at its settings"
        output.lines(f"{name} exists and stays as it is; {looks}." for name in existing)
        output.lines(plan)
    is_wanted = (
        bool(missing)
        and not dry_run
        and output.agreed(
            f"Create these topics at {start.config.kafka.bootstrap_servers}?",
            yes=yes,
            otherwise="add --yes to create the topics, or --dry-run to only see them",
        )
    )
    ends = _create(start, missing) if is_wanted else {}
    if json:
        output.document(_document(missing, existing, ends))
    elif missing and not is_wanted:
        output.line(f"Nothing was created{' (--dry-run)' if dry_run else ''}.")
    else:
        _show(ends)
    return ExitCode.FINDINGS if any(each.creation.value == "refused" for each in ends.values()) else ExitCode.OK


def _seconds(retention: str) -> float:
    from bridge.config.keys import scalars

    try:
        return scalars.duration(retention)
    except ValueError as error:
        raise Misuse(f"--retention {error}.") from error


def _plans(
    start: startup.LoadedConfiguration, retention: float, partitions: int | None, replication_factor: int | None
) -> tuple[list[NewTopicPlan], list[str]]:
    """Those to be made, and the names of those that exist."""
    from bridge.kafka.admin import topic_creation

    inspection, cluster = startup.connect(start)
    sources = _sources(start, cluster)
    wanted = topic_creation.plans(
        start.config.dead_letter.topic,
        partitions=partitions or _widest(sources),
        replication_factor=replication_factor or topic_creation.BROKER_DEFAULT,
        retention=retention,
        sources=inspection.settings(sources).values(),
    )
    missing = [plan for plan in wanted if plan.name not in cluster.topics]
    return missing, [plan.name for plan in wanted if plan.name in cluster.topics]


def _sources(start: startup.LoadedConfiguration, cluster: Cluster) -> dict[str, int]:
    from bridge.config.topics.consumed_topics import topics_of

    consumed = topics_of(start.config.kafka)
    return {name: count for name, count in cluster.topics.items() if consumed.takes(name)}


def _widest(sources: dict[str, int]) -> int:
    if not sources:
        raise Misuse(
            "None of kafka.topics exists yet (or this user may not see them), so it is not known how many partitions "
            "are needed: give --partitions."
        )
    return max(sources.values())


def _row(plan: NewTopicPlan) -> tuple[str, str, str]:
    settings = " ".join(f"{name}={value}" for name, value in plan.settings.items())
    return plan.name, plural(plan.partitions, "partition"), settings


def _create(start: startup.LoadedConfiguration, missing: list[NewTopicPlan]) -> dict[str, Created]:
    from bridge.kafka.admin import topic_creation

    return topic_creation.create(start.config.kafka, missing, startup.quiet_logger())


def _show(ends: dict[str, Created]) -> None:
    from bridge.kafka.admin.topic_creation import Creation

    for name, created in ends.items():
        match created.creation:
            case Creation.CREATED:
                output.line(f"{name}: created.")
            case Creation.EXISTS:
                output.line(f"{name}: somebody else created it in the meantime; it stays as it is.")
            case Creation.REFUSED:
                output.line(f"{name}: not created: {created.message}.", "red")


def _document(missing: list[NewTopicPlan], existing: list[str], ends: dict[str, Created]) -> dict[str, Any]:
    """Of each topic: created, exists, refused, or not_created (nobody agreed); with the plan, where there is one."""
    entries = [{"topic": name, "result": "exists", "problem": None, **dict.fromkeys(_PLANNED)} for name in existing]
    for plan in missing:
        end = ends.get(plan.name)
        entries.append(
            {
                "topic": plan.name,
                "result": "not_created" if end is None else end.creation.value,
                "problem": (end.message or None) if end is not None else None,
                "partitions": plan.partitions,
                "replication_factor": None if plan.replication_factor < 1 else plan.replication_factor,
                "settings": dict(plan.settings),
            }
        )
    return {"topics": entries}
