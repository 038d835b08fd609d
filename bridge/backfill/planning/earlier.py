"""A plan with the ranges of an earlier one: what is history was decided there, wherever the bridge is by now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.backfill.manifest import Manifest
from bridge.backfill.planning.ranges import PartitionFacts, RangeDecision
from bridge.backfill.submit.uploads import UploadState, read_submission
from bridge.errors import Misuse
from bridge.model import TopicPartition
from bridge.text.amounts import plural


def submitted_rows(earlier: Manifest) -> int:
    """Of the earlier run, that the API has or may have. What is pending was certainly not taken, unless it is there for
    another time. `ValueError` where the record of it is damaged.
    """
    submission = read_submission(earlier.submission)
    uploads = () if submission is None else submission.uploads
    return sum(each.rows for each in uploads if each.state is not UploadState.PENDING or each.round > 1)


def refuse_submitted(earlier: Manifest, name: str, accepted: int) -> list[str]:
    """Sentences for who accepts it. Raises `Misuse` where more rows were submitted than are accepted."""
    rows = submitted_rows(earlier)
    if not rows:
        return [f"Do not submit {name} any more: the rows of both would be there twice."]
    submitted = f"{plural(rows, 'row')} of {name} are imported already, or may be"
    if rows > accepted:
        raise Misuse(
            f"{submitted}: those that are written again would be there twice, and nothing removes them. Where that is "
            f"meant, add --accept-submitted {rows}. No plan was made."
        )
    return [f"{submitted}. Do not submit it any more: what this run writes again will be there twice."]


def decide_again(earlier: Manifest, group: str, facts: Sequence[PartitionFacts], *, cut: bool) -> RangeDecision:
    """The same ranges, of which nothing is written; `facts` has those partitions. With `cut`, the group is made to
    begin at their ends once more where nothing is committed any more. Raises `Misuse` for another group.
    """
    if earlier.group != group:
        raise Misuse(
            f"These ranges were planned for the group {earlier.group}, and the configuration has {group}: give the "
            "configuration that they were planned with."
        )
    committed = {each.partition: each.committed for each in facts}
    cuts: list[TopicPartition] = []
    refusals: list[str] = []
    for each in earlier.ranges:
        at = committed.get(each.of)
        if each.overlap:
            continue  # That the bridge delivers it, too, was decided then.
        if at is None and cut:
            cuts.append(each.of)
        elif at is None:
            refusals.append(
                f"{each.of}: the group has no committed offset here, or not any more (offsets.retention.minutes), so "
                f"the bridge would not begin at {each.end}, where the range ends. Add --cut: it begins there then."
            )
        elif at < each.end:
            refusals.append(
                f"{each.of}: the range ends at {each.end}, and the group's committed offset is {at} by now: the bridge "
                f"delivers {plural(each.end - at, 'offset')} of it. Set it behind them, or plan the ranges anew."
            )
    ranges = tuple(replace(each, next=None, records=0, gone=0) for each in earlier.ranges)
    return RangeDecision(ranges, tuple(cuts), tuple(refusals), ())
