"""A TCP proxy that spoils the network between two programs, on loopback, switchable while it runs.

Entered as an async context manager `Proxy` runs on that loop; `ThreadedProxy` runs one on a thread of its own, for
programs that have no loop or must not wait for theirs. What it does is one value, `Conditions`, which holds for what is
sent from then on, on connections old and new.
"""

from tests.support.proxy.conditions import Conditions, Counts, Link
from tests.support.proxy.server import Proxy
from tests.support.proxy.threaded import ThreadedProxy

__all__ = ["Conditions", "Counts", "Link", "Proxy", "ThreadedProxy"]
