"""One who watches: a listener of records that writes samples of what passes the filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bridge.decode import exact_json
from bridge.model import Elements, Failed, Request
from bridge.service.tap import filter as tap_filter
from bridge.service.tap import samples
from bridge.service.tap.pacing import SamplePace
from bridge.text.printable import printable_json

if TYPE_CHECKING:
    from bridge.model import DeadLetter, Disposition, Outcomes, Record, Verdict
    from bridge.ops.admin.streaming import Outlet
    from bridge.service.tap.filter import TapFilter
    from bridge.service.tap.samples import Masks, Sample

MOST_FOLLOWED: Final = 2_000
"""Records whose requests are waited for at one time."""
_SAMPLES_OF_ONE: Final = 2.0
"""That a record has at least: it came in, and its request went out."""


class TapSession:
    """Hears of every record; asked for nothing that the pace does not allow. See `pipeline.tracing.RecordListener`."""

    def __init__(
        self, outlet: Outlet, wanted: TapFilter, masks: Callable[[], Masks], *,
        monotonic: Callable[[], float], wall: Callable[[], float],
    ) -> None:  # fmt: skip
        """`masks`: those of the mapping that works now."""
        self.wanted = wanted
        self._outlet = outlet
        self._masks = masks
        self._monotonic, self._wall = monotonic, wall
        self._pace = SamplePace(monotonic())
        self._left_out = 0
        """Since the last sample that was written."""
        self._followed = 0

    def came_in(self, record: Record, outcomes: Outcomes) -> TapLife | None:
        """Shows the record, and follows it where its requests are wanted."""
        wanted = self.wanted
        if not wanted.follows(outcomes):
            return None
        if not wanted.is_rare and not self._pace.has(self._monotonic(), _SAMPLES_OF_ONE):
            self._left_out += 1
            return None
        try:
            masks = self._masks()
        except Exception:  # noqa: BLE001 - as in `_show`
            self._left_out += 1
            return None
        self.show_record(record, outcomes, masks, None)
        if wanted.outcome in tap_filter.OF_RECORDS:
            return self._follow(record, masks) if _holds_many(outcomes) else None
        is_sent = any(isinstance(outcome, Request | Failed) for outcome in outcomes) or _holds_many(outcomes)
        return self._follow(record, masks) if is_sent else None

    def _follow(self, record: Record, masks: Masks) -> TapLife | None:
        if self._followed >= MOST_FOLLOWED:
            self._left_out += 1
            return None
        self._followed += 1
        return TapLife(self, record, masks)

    def ended(self) -> None:
        """Nothing more comes of a record that is followed."""
        self._followed -= 1

    def show_record(self, record: Record, outcomes: Outcomes, masks: Masks, element: int | None) -> None:
        """It, or one of its elements, was mapped to these."""
        if self.wanted.shows(tap_filter.of_record(outcomes)):
            self._show(lambda at: samples.of_record(record, outcomes, masks, at, element))

    def show_request(
        self, record: Record, request: Request, verdict: Verdict, masks: Masks, *, attempt: int, began: float
    ) -> None:
        """It was sent, and this was answered."""
        if self.wanted.takes(request) and self.wanted.shows(tap_filter.of_request(verdict)):
            seconds = self._monotonic() - began
            self._show(
                lambda at: samples.of_request(record, request, verdict, masks, at, attempt=attempt, seconds=seconds)
            )

    def show_letter(self, record: Record, letter: DeadLetter, masks: Masks) -> None:
        """It was written."""
        route = self.wanted.route
        if self.wanted.shows(tap_filter.DEAD_LETTERED) and (
            route is None or (letter.route is not None and letter.route.name == route)
        ):
            self._show(lambda at: samples.of_letter(record, letter, masks, at))

    def began(self) -> float:
        """Now, for `show_request`."""
        return self._monotonic()

    def _show(self, make: Callable[[float], Sample]) -> None:
        """Whatever a sample is made of, no defect of it reaches the record."""
        began = self._monotonic()
        if not self._pace.has(began):
            self._left_out += 1
            return
        try:
            written = line({**make(self._wall()), "left_out": self._left_out})
        except Exception as defect:  # noqa: BLE001 - it only looks: no defect of it is worth a delivery
            written = line({"sample": "problem", "problem": type(defect).__name__, "left_out": self._left_out})
        is_written = self._outlet.write(written)
        self._pace.took(self._monotonic() - began)
        self._left_out = 0 if is_written else self._left_out + 1


def line(sample: Sample) -> bytes:
    """One line of JSON, of which a terminal obeys nothing."""
    return f"{printable_json(exact_json.text_of(sample))}\n".encode()


def _holds_many(outcomes: Outcomes) -> bool:
    return isinstance(outcomes[0], Elements)


class TapLife:
    """One record that is followed, and redacted by the mapping that it was mapped by. See `tracing.RecordLife`."""

    __slots__ = ("_attempts", "_masks", "_record", "_session")

    trace: str | None = None

    def __init__(self, session: TapSession, record: Record, masks: Masks) -> None:
        self._session = session
        self._record = record
        self._masks = masks
        self._attempts: dict[int, tuple[int, float]] = {}

    def element_mapped(self, element: int, outcomes: Outcomes) -> None:
        """Shown as a record is."""
        if self._session.wanted.follows(outcomes):
            self._session.show_record(self._record, outcomes, self._masks, element)

    def attempt_began(self, request: Request, output: int, attempt: int) -> None:  # noqa: ARG002 - the protocol's
        """Remembers when."""
        self._attempts[id(request)] = (attempt, self._session.began())

    def attempt_ended(self, request: Request, verdict: Verdict) -> None:
        """Shown with its outcome."""
        attempt, began = self._attempts.pop(id(request), (1, self._session.began()))
        self._session.show_request(self._record, request, verdict, self._masks, attempt=attempt, began=began)

    def letter_begins(self, letter: DeadLetter) -> None:
        """It carries nothing of a tap."""

    def letter_refused(self, letter: DeadLetter, why: str) -> None:
        """Written again later; `/status` says why."""

    def letter_written(self, letter: DeadLetter) -> None:
        """Shown."""
        self._session.show_letter(self._record, letter, self._masks)

    def done(self, disposition: Disposition) -> None:  # noqa: ARG002 - the protocol's
        """Its end."""
        self._session.ended()

    def given_up(self) -> None:
        """Its end here."""
        self._session.ended()
