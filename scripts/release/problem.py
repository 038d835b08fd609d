"""Why there is no release."""

from __future__ import annotations


class ReleaseProblemError(Exception):
    """One sentence on what is wrong and, where it is not plain, what to do."""
