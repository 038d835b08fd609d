from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import probes

WORDS = st.sampled_from(
    [b"GET ", b"HEAD ", b"/livez", b"/%2e%ff", b" HTTP/1.1", b"\r\n", b"\n", b": ", b"Host", b"\0", b"\xff", b"?"]
)


@given(st.lists(WORDS | st.binary(max_size=6), max_size=12))
def test_whatever_a_stranger_sends_to_the_admin_port_is_a_request_or_a_refusal(words: list[bytes]) -> None:
    probes.fuzz(b"".join(words))
