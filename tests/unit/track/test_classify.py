"""The verdict table, row by row, and its promise to take whatever comes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import KINDS, TRACK, Delivered, Reject, RequestKind, Retry, Unauthorized, Verdict
from bridge.track.classify import Headers, classify

NOW = 1_767_323_045.0


def verdict(status: int, body: bytes = b"", *headers: tuple[bytes, bytes]) -> Verdict:
    return classify(TRACK, status, headers, body, key=3, now_wall=NOW)


def errors(*found: object) -> bytes:
    return json.dumps({"errors": list(found)}).encode()


@pytest.mark.parametrize("status", range(200, 300))
def test_every_2xx_is_delivered_with_its_status(status: int) -> None:
    assert verdict(status) == Delivered(status)


@pytest.mark.parametrize("status", [s for s in range(400, 500) if s not in {401, 403, 404, 405, 407, 408, 425, 429}])
def test_every_other_4xx_rejects_the_record(status: int) -> None:
    assert isinstance(verdict(status), Reject)


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_wrong_key_or_address_carries_the_key_it_was_sent_with(status: int) -> None:
    found = verdict(status, errors({"error_code": "unauthorized", "message": "invalid API key"}))
    assert isinstance(found, Unauthorized)
    assert (found.status, found.key, found.error_code) == (status, 3, "unauthorized")


def test_a_404_points_at_the_endpoint() -> None:
    found = verdict(404)
    assert isinstance(found, Unauthorized)
    assert "track.endpoint" in found.detail


@pytest.mark.parametrize(
    "code", ["user_not_found", "USER_NOT_FOUND", "UserNotFound", "unknown-user", "company_not_found"]
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_404_whose_code_names_a_user_or_a_company_rejects_this_request_only(code: str, kind: RequestKind) -> None:
    body = errors({"error_code": code, "message": "no such user"})
    found = classify(kind, 404, (), body, key=3, now_wall=NOW)
    assert isinstance(found, Reject)
    assert (found.status, found.error_code) == (404, code)
    assert found.detail == f"the API answered 404 {code}: no such user", "nothing of the endpoint"


@pytest.mark.parametrize("body", [
    b"", b"<html>user not found</html>", errors({"error_code": "not_found", "message": "no route for /v1/companies"}),
    errors({"error_code": "userpilot_route_unknown"}), errors({"message": "user"}), b'{"error_code": "user_not_found"}',
])  # fmt: skip
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_other_404_is_of_the_address(body: bytes, kind: RequestKind) -> None:
    assert isinstance(classify(kind, 404, (), body, key=3, now_wall=NOW), Unauthorized)


@pytest.mark.parametrize("status", [401, 403, 405])
def test_a_refused_key_is_no_users_matter_whatever_the_code(status: int) -> None:
    assert isinstance(verdict(status, errors({"error_code": "user_not_allowed"})), Unauthorized)


@pytest.mark.parametrize("status", [*range(500, 600), 101, 600, 999, 0])
def test_every_5xx_and_every_status_without_a_class_is_an_ambiguous_retry(status: int) -> None:
    found = verdict(status)
    assert isinstance(found, Retry)
    assert (found.reason, found.ambiguous, found.status) == ("server_error", True, status)


@pytest.mark.parametrize(("status", "reason", "ambiguous"), [
    (407, "connection", False), (408, "timeout", True), (425, "too_early", False), (429, "rate_limited", False),
])  # fmt: skip
def test_a_4xx_that_passes_is_a_retry(status: int, reason: str, ambiguous: bool) -> None:  # noqa: FBT001 - a column
    found = verdict(status)
    assert isinstance(found, Retry)
    assert (found.reason, found.ambiguous) == (reason, ambiguous)


@pytest.mark.parametrize(("location", "host"), [
    (b"https://user:pass@Elsewhere.example/v1/track?key=1", "elsewhere.example"),
    (b"http://[::1]:80/", "::1"),
])  # fmt: skip
def test_a_redirect_names_the_other_host_and_nothing_else_of_the_address(location: bytes, host: str) -> None:
    found = verdict(302, b"", (b"Location", location))
    assert isinstance(found, Retry)
    assert found.reason == "redirect"
    assert f"points to {host};" in found.detail
    assert "pass" not in found.detail.replace("track.endpoint", "")
    assert "key=1" not in found.detail


@pytest.mark.parametrize("location", [b"/v1/other", b"http://[broken", b"", b"\xff\xfe"])
def test_a_redirect_to_no_host_is_still_a_redirect(location: bytes) -> None:
    found = verdict(301, b"", (b"location", location))
    assert isinstance(found, Retry)
    assert "redirects are not followed" in found.detail


@pytest.mark.parametrize(("value", "seconds"), [
    (b"0", 0.0), (b"17", 17.0), (b" 17 ", 17.0), (b"1.5", 1.5),
    (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True).encode(), 90.0),
    (b"Friday, 02-Jan-26 03:05:05 GMT", 60.0),
    (b"Fri Jan  2 03:05:05 2026", 60.0),
    (b"Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
])  # fmt: skip
def test_retry_after_is_read_in_seconds_and_as_a_date(value: bytes, seconds: float) -> None:
    found = verdict(429, b"", (b"Retry-After", value))
    assert isinstance(found, Retry)
    assert found.after == seconds


@pytest.mark.parametrize("off", [-86_400.0, -3.0, 0.0, 7200.0])
@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT"])
def test_a_date_to_wait_for_is_read_by_the_clock_of_the_answer_that_names_it(off: float, form: str) -> None:
    there = datetime.fromtimestamp(NOW + off, UTC)
    until = (there + timedelta(seconds=45)).strftime(form).encode()
    found = verdict(503, b"", (b"retry-after", until), (b"Date", there.strftime(form).encode()))
    assert isinstance(found, Retry)
    assert found.after == 45.0


@pytest.mark.parametrize("sent", [b"", b"yesterday", b"9" * 500, b"\xff"])
def test_an_answer_whose_own_date_cannot_be_read_is_read_by_our_clock(sent: bytes) -> None:
    until = format_datetime(datetime.fromtimestamp(NOW + 45, UTC), usegmt=True).encode()
    found = verdict(429, b"", (b"date", sent), (b"retry-after", until))
    assert isinstance(found, Retry)
    assert found.after == 45.0


@pytest.mark.parametrize(
    "value",
    [b"", b"soon", b"-5", b"+5", b"5 minutes", b"NaN", b"inf", b"1e9", b"0x10", b"9" * 40, b"\xd9\xa1", b"x" * 9999],
)
def test_a_retry_after_that_is_neither_is_ignored(value: bytes) -> None:
    found = verdict(503, b"", (b"retry-after", value))
    assert isinstance(found, Retry)
    assert found.after is None


def test_the_detail_holds_status_code_message_and_request_id() -> None:
    body = errors(
        {"error_code": "invalid_input", "message": "user_id is missing", "details": "plan=gold", "error": "e"}
    )
    found = verdict(400, body, (b"X-Request-Id", b"F9x"))
    assert isinstance(found, Reject)
    assert found.detail == "the API answered 400 invalid_input: user_id is missing (x-request-id F9x)"
    assert found.error_code == "invalid_input"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 503])
def test_whatever_failed_carries_the_code_and_the_request_id_of_its_answer(status: int) -> None:
    found = verdict(status, errors({"error_code": "user_unknown", "message": "no"}), (b"X-Request-Id", b"F9x"))
    assert not isinstance(found, Delivered)
    assert (found.error_code, found.request_id) == ("user_unknown", "F9x")


def test_several_errors_give_the_first_code_and_all_messages() -> None:
    found = verdict(422, errors({"error_code": "a", "message": "one"}, {"error_code": "b", "message": "two"}))
    assert isinstance(found, Reject)
    assert found.detail == "the API answered 422 a: one; two"


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'"text"', b'{"errors": null}', b'{"errors": {}}', b'{"errors": []}', b"<html>",
    b'{"errors": [1, null]}', b'{"errors": [{"error_code": null, "message": {"a": 1}}]}', b"[" * 100_000,
    b'{"errors": [{"error_code": true}]}', b"\x1f\x8b\x08",
])  # fmt: skip
def test_a_body_of_any_other_shape_gives_no_code(body: bytes) -> None:
    found = verdict(400, body, (b"content-type", b"text/html"))
    assert isinstance(found, Reject)
    assert found.error_code is None


def test_a_page_instead_of_the_documented_error_is_called_that() -> None:
    found = verdict(503, b"<html>", (b"Content-Type", b"text/html"))
    assert isinstance(found, Retry)
    assert found.detail == "the API answered 503 with a body that is not the documented error (text/html)"


def test_a_message_can_neither_forge_a_log_line_nor_flood_it() -> None:
    nasty = "first\r\n2026 ERROR forged \x1b[31m \u202e" + "ü" * 5000
    found = verdict(400, errors({"error_code": "c" * 5000, "message": nasty}), (b"x-request-id", b"i" * 5000))
    assert isinstance(found, Reject)
    assert found.detail.isprintable()
    assert len(found.detail.encode()) <= 1024
    assert found.error_code is not None
    assert len(found.error_code.encode()) <= 100


JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["errors", "error_code", "message"]), inner),
)
NAMES = st.sampled_from([b"Retry-After", b"location", b"x-request-id", b"content-type"])


@given(
    st.integers(-1, 1200),
    st.lists(st.tuples(NAMES, st.binary())),
    st.one_of(st.binary(), JSON.map(lambda document: json.dumps(document).encode())),
)
def test_whatever_comes_is_a_verdict_of_one_printable_bounded_line(status: int, headers: Headers, body: bytes) -> None:
    found = classify(TRACK, status, headers, body, key=1, now_wall=NOW)
    if isinstance(found, Delivered):
        assert 200 <= status < 300
    else:
        assert found.detail.isprintable()
        assert len(found.detail.encode()) <= 1024
    if isinstance(found, Retry) and found.after is not None:
        assert found.after >= 0
