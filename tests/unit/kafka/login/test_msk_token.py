import base64
from datetime import UTC, datetime
from unittest import mock

import botocore.auth
import pytest
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials
from hypothesis import given
from hypothesis import strategies as st

from bridge.aws.sigv4 import AwsKeys
from bridge.kafka.login.msk_token import msk_token

AT = datetime(2026, 11, 29, 15, 42, 7, tzinfo=UTC)
THEIR_NAME = MSKAuthTokenProvider.__dict__["__get_user_agent__"]()
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


class Given(CredentialProvider):  # type: ignore[misc]  # the library has no types
    def __init__(self, keys: AwsKeys) -> None:
        super().__init__()
        self.keys = keys

    def load(self) -> Credentials:
        return Credentials(self.keys.access_key, self.keys.secret_key, self.keys.session_token)


def awss_own(keys: AwsKeys, region: str) -> tuple[str, int]:
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=AT):
        token, end = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(region, Given(keys))
    return token, end


@pytest.mark.parametrize(
    "region", ["eu-central-1", "us-east-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "ap-southeast-7"]
)
@given(access_key=st.from_regex(r"A[A-Z0-9]{15,19}", fullmatch=True), secret=SECRETS, session=st.none() | SECRETS)
def test_a_token_is_awss_own_byte_for_byte(region: str, access_key: str, secret: str, session: str | None) -> None:
    keys = AwsKeys(access_key, secret, session)
    token, end_ms = awss_own(keys, region)
    ours = msk_token(keys, region, AT.timestamp() + 0.9, THEIR_NAME)
    assert ours.text == token
    assert ours.ends_at * 1000 == end_ms


@pytest.mark.parametrize(("left", "stated"), [(60.0, 60.0), (899.5, 899.5), (901.0, 900.0), (43_200.0, 900.0)])
def test_a_token_ends_with_the_credentials_where_these_end_sooner(left: float, stated: float) -> None:
    now = AT.timestamp()
    assert msk_token(AwsKeys("AKID", "secret", None, now + left), "eu-west-1", now, "test").ends_at == now + stated


def test_a_token_names_this_program_and_holds_no_secret() -> None:
    token = msk_token(AwsKeys("AKID", "s3cret/key"), "eu-west-1", AT.timestamp(), "track-bridge/1.2.3")
    url = base64.urlsafe_b64decode(token.text + "==").decode()
    assert url.endswith("&User-Agent=track-bridge%2F1.2.3")
    assert "s3cret" not in url
    assert token.text not in repr(token)
