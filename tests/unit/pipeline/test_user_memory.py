"""What is remembered of users is bounded in number and in time, and says "known" of nobody who was not identified."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.pipeline.users import FORGOTTEN, UserMemory

USERS = st.sampled_from(["ann", "bob", "cid", "dan"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["identified", "refused", "forget", "forget_all", "ask"]), USERS, st.integers(0, 6)),
    max_size=60,
)


@given(steps=STEPS, size=st.integers(1, 4), ttl=st.sampled_from([5.0, 20.0]))
def test_a_user_is_known_only_within_ttl_of_an_accepted_identify(
    steps: list[tuple[str, str, int]], size: int, ttl: float
) -> None:
    memory = UserMemory(size, ttl)
    now = 0.0
    identified: dict[str, float] = {}
    forgotten: set[str] = set()
    for what, user, later in steps:
        now += later
        if what == "identified":
            memory.identified(user, now)
            identified[user] = now
            forgotten.discard(user)
        elif what == "refused":
            memory.refused(user, now)
        elif what == "forget":
            memory.forget(user)
            identified.pop(user, None)
            forgotten.add(user)
        elif what == "forget_all":
            memory.forget_all()
            identified.clear()
        at = memory.identified_at(user, now)
        assert at is None or (at == identified[user] and now - at < ttl)
        assert len(memory) <= size
        assert not memory.is_forgotten(user) or user in forgotten


def test_who_was_seen_last_is_remembered_longest() -> None:
    memory = UserMemory(2, 100.0)
    memory.identified("ann", 0.0)
    memory.identified("bob", 1.0)
    assert memory.identified_at("ann", 2.0) == 0.0
    memory.identified("cid", 3.0)
    assert memory.identified_at("bob", 3.0) is None
    assert memory.identified_at("ann", 3.0) == 0.0


def test_being_seen_makes_nobody_known_for_longer() -> None:
    memory = UserMemory(2, 10.0)
    memory.identified("ann", 0.0)
    assert memory.identified_at("ann", 9.0) == 0.0
    assert memory.identified_at("ann", 10.0) is None


def test_who_was_forgotten_stays_so_whatever_time_passes_and_whatever_key_comes() -> None:
    memory = UserMemory(2, 10.0)
    memory.forget("ann")
    memory.forget_all()
    assert memory.is_forgotten("ann")
    assert memory.is_forgotten("ann")


def test_who_was_refused_is_asked_about_again_after_ttl_and_with_another_key() -> None:
    memory = UserMemory(2, 10.0)
    memory.refused("ann", 0.0)
    assert memory.is_refused("ann", 9.0)
    assert not memory.is_refused("ann", 10.0)
    memory.refused("ann", 20.0)
    memory.forget_all()
    assert not memory.is_refused("ann", 21.0)


def test_who_was_forgotten_is_not_pushed_out_by_those_who_are_refused() -> None:
    memory = UserMemory(2, 10.0)
    memory.forget("ann")
    for n in range(10):
        memory.refused(f"u{n}", float(n))
    assert memory.is_forgotten("ann")


def test_what_is_refused_makes_nobody_forgotten_remembered() -> None:
    memory = UserMemory(2, 10.0)
    memory.forget("ann")
    memory.refused("ann", 0.0)
    assert memory.is_forgotten("ann")


def test_however_few_are_remembered_many_stay_forgotten() -> None:
    memory = UserMemory(1, 10.0)
    for number in range(FORGOTTEN):
        memory.forget(f"u{number}")
    assert memory.is_forgotten("u0")
    memory.forget("one more")
    assert not memory.is_forgotten("u0")
