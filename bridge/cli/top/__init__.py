"""``track-bridge top``: the group live on a terminal, and what an operator may do to it."""
