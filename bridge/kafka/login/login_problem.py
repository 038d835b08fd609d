"""That no token can be had at present."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoginProblem:
    """Connections that are there may last for a while all the same."""

    since: float
    """Epoch seconds."""
    sentence: str
    """What is wrong and what to do, without its full stop."""
    gets_in: bool = False
    """Whether new connections log in all the same, with what was had before."""
