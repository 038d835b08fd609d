"""The part of the rate limit that a replay, or a file that is sent, may use."""

from __future__ import annotations

from bridge.errors import Misuse
from bridge.text.amounts import per_minute

HELP = "Of delivery.rate_limit: 20%, 100%, or a rate such as 60/min; running bridges use the rest."


def requests_per_second(text: str, limit: float | None) -> float:
    """Requests per second of ``--rate``; 0.0 where the limit is lifted and a share means nothing. Raises `Misuse`."""
    from bridge.config.keys import scalars

    try:
        wanted = (limit or 0.0) * scalars.share(text) if text.endswith("%") else scalars.rate(text)
    except ValueError as problem:
        raise Misuse(f"--rate {problem}, or a percentage of delivery.rate_limit such as 20%.") from problem
    if limit is not None and (wanted is None or not 0 < wanted <= limit):
        raise Misuse(f"--rate must be above zero and at most delivery.rate_limit ({per_minute(limit)}), not {text}.")
    return wanted or 0.0
