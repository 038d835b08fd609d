"""``track-bridge dlq``: what is in the dead-letter topic, why, and what to do about it. One file per verb."""
