"""What a kind of request decides: where it is posted, what an answer to it means, what of its body is documented."""

from __future__ import annotations

import pytest

from bridge.model import KINDS, Reject, RequestKind, Unauthorized
from bridge.sandbox.emulator.contract import BODIES
from bridge.track.classify import classify
from bridge.track.request import Endpoint, head

OTHER = RequestKind("other", "/v1/other", refuse_all=frozenset({401}))


def test_each_kind_is_posted_to_its_path_and_has_a_contract_in_the_emulator() -> None:
    assert [kind.path for kind in KINDS] == list(BODIES)
    for kind in (*KINDS, OTHER):
        start = head(kind, Endpoint.parse("https://api.example"), b"Authorization: Token x").decode()
        assert start.startswith(f"POST {kind.path} HTTP/1.1\r\n")


@pytest.mark.parametrize(("status", "verdict"), [(401, Unauthorized), (404, Reject)])
def test_what_an_answer_means_is_a_rule_of_the_kind(status: int, verdict: type) -> None:
    assert isinstance(classify(OTHER, status, (), b"", key=1, now_wall=0.0), verdict)
