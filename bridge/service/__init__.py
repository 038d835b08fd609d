"""The running service: what is built, in which order it starts and stops, and how its parts know of each other."""

from bridge.service.main import run

__all__ = ["run"]
