"""What the SDK complains about is a line now and then, whatever it says how often on which thread."""

from __future__ import annotations

import logging

from bridge.telemetry.complaints import EVERY, Complaints


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_is_told_at_once_and_then_as_a_count_with_the_next_line() -> None:
    told: list[tuple[str, int]] = []
    clock = Clock()
    undo = Complaints(lambda said, withheld: told.append((said, withheld)), clock).install()
    try:
        logger = logging.getLogger("opentelemetry.exporter.made.up")
        for number in range(50):
            logger.error("no %s", number)
            logger.info("nothing of interest")
        clock.now = EVERY
        logger.warning("still %s %s", "no")  # noqa: PLE1206 - as a library may: it is told as it is
    finally:
        undo()
    assert told == [("no 0", 0), ("still %s %s", 49)]
    logger.error("nobody hears it")
    assert len(told) == 2
