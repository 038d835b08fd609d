"""The ranges of an earlier run, once more: only where the bridge is behind them, and nothing comes twice unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from bridge.backfill.manifest import Manifest, RowKind
from bridge.backfill.planning.earlier import decide_again, refuse_submitted, submitted_rows
from bridge.backfill.planning.ranges import PartitionFacts
from bridge.backfill.submit.uploads import Submission, Upload, UploadState
from bridge.errors import Misuse
from bridge.model import LogRange, TopicPartition


def facts(*committed: int | None) -> list[PartitionFacts]:
    return [
        PartitionFacts(TopicPartition("shop.orders", number), LogRange(0, 90), 90, at, has_worked=at is not None)
        for number, at in enumerate(committed)
    ]


def with_uploads(manifest: Manifest, *uploads: Upload) -> Manifest:
    submission = Submission("run", "https://api.example", 0, uploads)
    return replace(manifest, submission=TypeAdapter(Submission).dump_python(submission, mode="json"))


def upload(number: int, state: UploadState, *, round_: int = 1) -> Upload:
    return Upload(number, "events-00001.ndjson", RowKind.EVENTS, 0, 10, 7, state=state, round=round_)


def test_a_bridge_at_work_behind_them_is_no_reason_to_refuse_them(manifest: Manifest) -> None:
    written = replace(manifest, ranges=tuple(replace(each, next=9, records=4, gone=2) for each in manifest.ranges))

    found = decide_again(written, "test", facts(40, 25), cut=False)

    assert (found.ranges, found.cuts, found.refusals) == (manifest.ranges, (), ())


def test_what_the_bridge_delivers_by_now_is_refused(manifest: Manifest) -> None:
    refusals = decide_again(manifest, "test", facts(40, 20), cut=False).refusals

    assert len(refusals) == 1
    assert "shop.orders/1: the range ends at 25, and the group's committed offset is 20 by now" in refusals[0]


def test_a_cut_that_retention_took_away_is_made_again(manifest: Manifest) -> None:
    assert "not any more" in decide_again(manifest, "test", facts(None, 25), cut=False).refusals[0]

    found = decide_again(manifest, "test", facts(None, 25), cut=True)
    assert (found.cuts, found.refusals) == ((TopicPartition("shop.orders", 0),), ())


def test_another_group_has_other_history(manifest: Manifest) -> None:
    with pytest.raises(Misuse, match="planned for the group test, and the configuration has other"):
        decide_again(manifest, "other", facts(40, 40), cut=False)


def test_what_was_submitted_is_refused_unless_it_is_accepted(manifest: Manifest) -> None:
    done = [upload(1, UploadState.COMPLETED), upload(2, UploadState.SENDING), upload(3, UploadState.PENDING, round_=2)]
    earlier = with_uploads(manifest, *done, upload(4, UploadState.PENDING))

    assert submitted_rows(earlier) == 21
    with pytest.raises(Misuse, match=r"21 rows of y25 are imported already, or may be.*--accept-submitted 21"):
        refuse_submitted(earlier, "y25", 20)
    assert "will be there twice" in refuse_submitted(earlier, "y25", 21)[0]


def test_nothing_submitted_is_nothing_to_accept(manifest: Manifest) -> None:
    assert submitted_rows(manifest) == 0
    assert "Do not submit y25 any more" in refuse_submitted(manifest, "y25", 0)[0]
