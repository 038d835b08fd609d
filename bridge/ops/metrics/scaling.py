"""What an autoscaler may scale on: the records that wait for nothing but somebody to send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.holds import Reason
from bridge.ops.hold_reasons import explain

if TYPE_CHECKING:
    from bridge.ops.snapshot import Snapshot


def backlog(snapshot: Snapshot) -> int:
    """Records behind which one more replica could help with.

    Only partitions that are sending count, as `/status` explains them. All other reasons hold a new replica as they
    hold this one: the budget belongs to the token and is shared anew, not enlarged, by every replica; a refused key, an
    outage and a pause the API asked for meet all of them; a held topic or partition, a letter that cannot be written
    and a retry that is not due move with the partition. Scaling on the bare lag would answer each of these with
    rebalances. A partition whose lag is not known yet adds nothing.
    """
    return sum(each.lag or 0 for each in snapshot.partitions if explain(each, snapshot).why is Reason.SENDING)
