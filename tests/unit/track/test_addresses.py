"""In which order the addresses of a name are tried."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.track.dial import BAD_FOR, Addresses

A, B, C = ("192.0.2.1", 443), ("192.0.2.2", 443), ("2001:db8::1", 443, 0, 0)


def test_the_address_that_worked_last_comes_first() -> None:
    addresses = Addresses()
    assert addresses.order([A, B, C], 0.0) == [A, B, C]
    addresses.worked(B)
    assert addresses.order([A, B, C], 1.0) == [B, A, C]


def test_an_address_that_failed_comes_last_and_is_forgiven_after_a_while() -> None:
    addresses = Addresses()
    addresses.order([A, B], 0.0)
    addresses.worked(A)
    addresses.failed(A, 0.0)
    assert addresses.order([A, B], BAD_FOR - 1) == [B, A]
    assert addresses.order([A, B], BAD_FOR) == [A, B]


def test_where_all_failed_the_one_that_failed_longest_ago_comes_first() -> None:
    addresses = Addresses()
    addresses.order([A, B, C], 0.0)
    for at, when in ((B, 1.0), (A, 2.0), (C, 3.0)):
        addresses.failed(at, when)
    assert addresses.order([A, B, C], 4.0) == [B, A, C]


def test_a_connection_alone_is_no_proof_for_an_address_whose_answers_were_bad() -> None:
    addresses = Addresses()
    addresses.order([A, B], 0.0)
    addresses.failed(A, 0.0)
    addresses.worked(A)
    assert addresses.order([A, B], 1.0) == [B, A]


def test_there_is_another_only_while_one_has_not_failed_of_late() -> None:
    addresses = Addresses()
    addresses.order([A, B], 0.0)
    assert addresses.has_another(A, 0.0)
    addresses.failed(B, 0.0)
    assert not addresses.has_another(A, 1.0)
    assert addresses.has_another(A, BAD_FOR)


def test_a_name_that_moved_keeps_nothing_of_its_old_addresses() -> None:
    addresses = Addresses()
    addresses.order([A], 0.0)
    addresses.worked(A)
    assert addresses.order([B], 1.0) == [B]
    assert not addresses.has_another(B, 1.0)


@given(
    st.lists(st.sampled_from([A, B, C]), min_size=1),
    st.lists(st.tuples(st.sampled_from(["worked", "failed"]), st.sampled_from([A, B, C]))),
)
def test_every_address_of_the_name_is_tried_once(found: list[object], history: list[tuple[str, object]]) -> None:
    addresses = Addresses()
    for now, (what, at) in enumerate(history):
        if what == "worked":
            addresses.worked(at)
        else:
            addresses.failed(at, now)
    order = addresses.order(found, float(len(history)))
    assert sorted(map(str, order)) == sorted(set(map(str, found)))
