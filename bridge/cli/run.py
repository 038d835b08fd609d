"""``track-bridge run``"""

from __future__ import annotations

from bridge.cli.frame import startup
from bridge.cli.frame.help import about


@about(
    ("Deliver events until told to stop", "run -c bridge.yaml"),
    unreachable="Kafka does not answer within `kafka.start_timeout`, refuses the login, or the Kafka client ended; or "
    "`observability.listen` cannot be bound.",
)
def run(config: startup.ConfigPath = None) -> int:
    """Deliver events until told to stop.

    SIGTERM or Ctrl-C stop in order: what is in flight finishes, offsets are committed. SIGHUP takes over the mapping
    section of the file as it is then; a file that is wrong, or changed elsewhere, is refused and logged.
    """
    start = startup.load(config)
    startup.api_key(start)  # one that cannot be used is reported like the rest of the configuration, before any start
    from bridge import service
    from bridge.config.topics.consumed_topics import topics_of
    from bridge.mapping.review.unnamed_messages import unnamed_messages

    unnamed = unnamed_messages(start.config.mapping, start.mapping, topics_of(start.config.kafka).names)
    warnings = (*start.warnings, *unnamed)
    return service.run(start.config, start.mapping, warnings=warnings, proxy=start.proxy, path=start.path)
