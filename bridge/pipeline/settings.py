"""What the owner decides about delivery, as the pipeline is told it: seconds, bytes, events per second."""

from __future__ import annotations

from typing import Literal

from bridge.config.sections import Delivery, KnownUsers


class DeliverySettings(Delivery):
    """The section `delivery`, and what the dispatcher and the governor need of others.

    Built by `model_construct`: its values are parsed already.
    """

    # A key of `delivery` is declared there alone, and is here then.

    hold_after_unauthorized: int = 5
    recheck: float = 10.0
    hold_after_letters: int = 100
    drain_timeout: float = 20.0
    session_timeout: float = 45.0
    unknown_users: Literal["send", "identify"] = "send"
    known_users: KnownUsers = KnownUsers()
    identify_settle: float = 0.0
    only_events: bool = False
    """Nothing is ever sent of users and companies, and their rate is nobody's."""

    @property
    def users_rate_limit(self) -> float | None:
        """Of requests of users and companies, where they have a budget of their own: None where nothing limits it."""
        return None if self.only_events else self.identify_rate_limit

    @property
    def is_shared_out(self) -> bool:
        """Whether there is a rate of which each replica has its part."""
        return self.rate_limit is not None or not (self.shared_rate_limit or self.users_rate_limit is None)
