"""What the dispatcher has to say during a replay, and what of it ends the replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.commands import command
from bridge.holds import Reason
from bridge.model import TRACK, DeadLetter, Record, Retried
from bridge.pipeline.offsets import OffsetTracker
from bridge.text.amounts import span


def cause_of(letter: DeadLetter) -> str:
    """Under which the failures of one command are counted: the reason, the status of the last answer, and the kind of
    the request where it tracked no event.
    """
    cause = f"{letter.reason.value} {letter.status or ''}".strip()
    return cause if letter.kind == TRACK.name else f"{letter.kind}: {cause}"


class ReplayLog:
    """`pipeline.ports.EventLog`. A refused key or a row of failures stops; an outage is waited out, as always."""

    def __init__(self, stop: Callable[[str], None], notice: Callable[[str], None]) -> None:
        self._stop = stop
        self._notice = notice

    def blocked(self, reason: str, detail: str) -> None:
        """All sending stopped."""
        if reason == Reason.UNAUTHORIZED:
            self._stop(f"the Track API refuses the key or the address ({detail}): `{command('check')}` says more")
        else:
            self._notice(f"nothing gets through ({detail}): one probe at a time until something does")

    def unblocked(self, reason: str, seconds: float) -> None:
        """Sending resumes."""
        if reason != Reason.UNAUTHORIZED:
            self._notice(f"the Track API answers again, after {span(seconds)}")

    def asked_to_wait(self, seconds: float, detail: str) -> None:
        """The destination asked all senders to wait."""
        self._notice(f"the Track API asks to wait {span(seconds)} ({detail})")

    def kind_blocked(self, kind: str, detail: str) -> None:
        """Requests of one kind do not get through."""
        self._notice(f"no {kind} request gets through ({detail}): one probe at a time until one does")

    def kind_unblocked(self, kind: str, seconds: float) -> None:
        """They do again."""
        self._notice(f"{kind} requests get through again, after {span(seconds)}")

    def kind_asked_to_wait(self, kind: str, seconds: float, detail: str) -> None:
        """The destination asked the senders of one kind to wait."""
        self._notice(f"the Track API asks to wait {span(seconds)} with {kind} requests ({detail})")

    def identify_refused(self, record: Record, status: int | None, code: str | None, detail: str) -> None:
        """The command's own output says how its event ended."""

    def user_forgotten(self, record: Record) -> None:
        """Nothing to say."""

    def retrying(self, event: Retried) -> None:
        """The command's own output says how it ended."""

    def topic_held(self, topic: str, letters: int, messages: str, sample: str) -> None:  # noqa: ARG002 - the port's
        """The breaker's limit is reached."""
        self._stop(
            f"{letters} dead letters in a row failed again and none was accepted (dead_letter.hold_after): {messages}. "
            f"The fix does not hold; `{command('dlq', 'stats')}` counts all of them"
        )

    def partition_held(self, tracker: OffsetTracker[Any], detail: str) -> None:
        """Cannot happen: no letter is written."""

    def dead_letter(self, letter: DeadLetter) -> None:
        """A failure was recorded."""

    def letter_refused(self, letter: DeadLetter, detail: str) -> None:
        """Cannot happen: no letter is written."""

    def letters_unwritable(self, detail: str) -> None:
        """Cannot happen: no letter is written."""

    def letters_writable(self, seconds: float) -> None:
        """As above."""

    def drain_forced(self, tracker: OffsetTracker[Any], in_flight: int) -> None:  # noqa: ARG002 - the port's
        """The drain's time was over before the answers came."""
        self._notice(f"{in_flight} requests were not answered in time and may be sent again")


class SendingLog(ReplayLog):
    """The same while a file is sent."""

    def topic_held(self, topic: str, letters: int, messages: str, sample: str) -> None:  # noqa: ARG002 - the port's
        """The breaker's limit is reached."""
        self._stop(f"{letters} events in a row failed and none was accepted (dead_letter.hold_after): {messages}")
