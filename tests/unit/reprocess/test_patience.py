"""Who has sent all it could claim lets others get on: each that joins makes them stop, drain and start again."""

from __future__ import annotations

from bridge.reprocess.replay.patience import SILENCE, Patience


def test_while_others_get_on_with_what_is_left_no_claim_is_asked_for() -> None:
    patience = Patience(0.0)
    assert all(
        patience.waits_on(at, settled=1, others_send=True) for at in (SILENCE / 2, SILENCE, 3 * SILENCE, 30 * SILENCE)
    )


def test_a_claim_is_asked_for_when_nobody_settles_anything_for_a_while() -> None:
    """Whoever had it was killed, and its declaration is believed for longer than its claim holds."""
    patience = Patience(0.0)
    assert patience.waits_on(SILENCE - 0.1, settled=3, others_send=True)
    assert patience.waits_on(2 * SILENCE - 0.2, settled=0, others_send=True)
    assert not patience.waits_on(2 * SILENCE, settled=0, others_send=True)


def test_a_claim_is_asked_for_at_once_where_no_other_is_at_work() -> None:
    assert not Patience(0.0).waits_on(1.0, settled=5, others_send=False)
