"""What a sink remembers of the servers it met."""

from __future__ import annotations

from bridge.counts import SinkStats

DAY = 86_400.0


def test_a_certificate_seen_long_ago_is_forgotten_unless_a_connection_is_open() -> None:
    """A replica without events meets nobody: the certificate it saw months ago was renewed since."""
    stats = SinkStats()
    assert stats.server_certificate_ends(0.0) is None
    stats.opened()
    stats.showed_certificate(5e9, now=0.0)
    assert stats.server_certificate_ends(100 * DAY) == 5e9
    stats.closed("idle")
    assert stats.server_certificate_ends(0.9 * DAY) == 5e9
    assert stats.server_certificate_ends(1.1 * DAY) is None
    stats.showed_certificate(6e9, now=2 * DAY)
    assert stats.server_certificate_ends(2 * DAY) == 6e9
