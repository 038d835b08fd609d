"""Whether OpenTelemetry is on, which the environment decides; off, nothing of it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge import __version__
from bridge.config import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.config.sections import Config
    from bridge.counts import Exemplar
    from bridge.ops.log.events import Events
    from bridge.ops.log.logger import Logging
    from bridge.telemetry.exporting import Telemetry

PACKAGES = ("opentelemetry", "google", "requests")
"""What the extra `otel` brings along: of these one may be missing."""


def telemetry(
    config: Config,
    log: Logging,
    events: Events,
    duration: dict[int, Exemplar],
    latency: dict[int, Exemplar],
    environ: Mapping[str, str] | None = None,
) -> Telemetry | None:
    """None where nothing is asked for, or cannot be had: that is said, and is no reason not to deliver.

    `duration` and `latency`: where the exemplars of the two histograms are to be kept.
    """
    environ = environment.variables() if environ is None else environ
    if not any(name.startswith("OTEL_") for name in environ):
        return None
    from bridge.telemetry.wishes import wished  # noqa: PLC0415 - see above

    wishes = wished(environ)
    if wishes is None:
        return None
    for secret in wishes.secrets:
        log.redactor.add(secret)
    for problem in wishes.problems:
        events.telemetry_problem(detail=problem)
    if not wishes.signals:
        return None
    try:
        from bridge.telemetry.exporting import Exported, Telemetry  # noqa: PLC0415 - see above
        from bridge.telemetry.spans import KeptExemplars  # noqa: PLC0415 - see above
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith(PACKAGES):
            raise
        events.telemetry_problem(
            detail="OTEL_* variables ask for OpenTelemetry, and its packages are not installed, so that nothing is "
            "exported: install track-bridge[otel], or an image that has it, or set OTEL_SDK_DISABLED=true"
        )
        return None
    about = Exported(__version__, config.kafka.group_id, config.track.endpoint, config.dead_letter.topic)
    try:
        made = Telemetry(wishes, about, log.logger, events, KeptExemplars(duration, latency))
    except Exception as refused:  # noqa: BLE001 - whatever of OTEL_* the SDK cannot read
        events.telemetry_problem(
            detail=f"OTEL_* variables: {refused} ({type(refused).__name__}), so that nothing is exported; correct them "
            "and restart"
        )
        return None
    sampling = wishes.sampling
    events.telemetry_on(signals=sorted(made.signals), sampled=sampling.share, by_parent=sampling.follows_parent)
    return made
