from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote, urlencode

import botocore.auth
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from bridge.aws.sigv4 import AwsKeys, Signing, presigned_url, signed_headers

NOW = datetime(2026, 11, 29, 15, 42, 7, tzinfo=UTC)
WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cs"]), min_size=1, max_size=20
)
PLAIN = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
KEYS = st.builds(AwsKeys, PLAIN, WORDS, st.none() | WORDS)
URLS = st.builds(
    lambda host, path, query: f"https://{host}/{'/'.join(map(quote, path))}?{urlencode(query, quote_via=quote)}",
    st.sampled_from(["glue.eu-central-1.amazonaws.com", "localhost:8443", "localhost:443", "[::1]:80", "[::1]"]),
    st.lists(PLAIN, max_size=2),
    st.lists(st.tuples(PLAIN, WORDS), max_size=3, unique_by=lambda pair: pair[0]),
)


def botocores(keys: AwsKeys) -> Credentials:
    return Credentials(keys.access_key, keys.secret_key, keys.session_token)


def frozen() -> "mock._patch[mock.Mock]":
    return mock.patch.object(botocore.auth, "get_current_datetime", return_value=NOW)


@given(keys=KEYS, url=URLS, body=st.binary(max_size=40), region=PLAIN, service=PLAIN, value=WORDS)
def test_headers_are_signed_as_botocore_signs_them(
    keys: AwsKeys, url: str, body: bytes, region: str, service: str, value: str
) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AWSGlue.{value}".replace("\x7f", "")}
    request = AWSRequest("POST", url, dict(headers), body)
    with frozen():
        SigV4Auth(botocores(keys), service, region).add_auth(request)
    assert signed_headers(keys, "POST", url, headers, body, Signing(region, service, NOW)) == dict(request.headers)


@given(keys=KEYS, url=URLS, region=PLAIN, service=PLAIN, lifetime=st.integers(1, 604_800))
def test_a_url_is_signed_as_botocore_signs_it(
    keys: AwsKeys, url: str, region: str, service: str, lifetime: int
) -> None:
    request = AWSRequest("GET", url)
    with frozen():
        SigV4QueryAuth(botocores(keys), service, region, lifetime).add_auth(request)
    ours = presigned_url(keys, url, Signing(region, service, NOW), lifetime)
    assert ours == request.url


def test_the_documented_example_has_the_documented_signature() -> None:
    keys = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    signing = Signing("us-east-1", "iam", datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
    signed = signed_headers(keys, "GET", url, headers, b"", signing)
    assert signed["Authorization"].endswith("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


@pytest.mark.parametrize("shown", [repr, str])
def test_the_secret_is_never_shown(shown: type[str]) -> None:
    assert "s3cret" not in shown(AwsKeys("AKID", "s3cret-key", "s3cret-token"))
