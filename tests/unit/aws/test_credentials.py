"""With the real botocore; only those it asks stand on loopback."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from bridge.aws.credentials import AwsCredentials
from bridge.aws.failures import AwsLoginError
from bridge.aws.sigv4 import AwsKeys
from bridge.exits import ExitCode
from tests.support.aws import Aws, container_credentials, sts_credentials, sts_refusal

REGION = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/bridge"
HOUR = 3600.0


def of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")


def failure(credentials: AwsCredentials, within: float = 60.0) -> str:
    with pytest.raises(AwsLoginError) as raised:
        credentials.keys(within)
    return str(raised.value)


# --- where they come from ----------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_of_aws")
def test_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_environment(monkeypatch)
    assert AwsCredentials(REGION).keys() == AwsKeys("AKIDENV", "s3cret")


@pytest.mark.usefixtures("nothing_of_aws")
def test_a_profile_is_asked_and_what_is_written_there_anew_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = [time.time()]
    file = tmp_path / "credentials"
    file.write_text("[mine]\naws_access_key_id = AKIDONE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    credentials = AwsCredentials(REGION, clock=lambda: clock[0])
    assert credentials.keys().access_key == "AKIDONE"
    file.write_text("[mine]\naws_access_key_id = AKIDTWO\naws_secret_access_key = s\n")
    clock[0] += 61.0
    assert credentials.keys().access_key == "AKIDTWO"


def test_a_container_is_asked_and_its_credentials_end(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS, and EKS Pod Identity, whose agent answers in the same way."""
    aws.answer = lambda *_: container_credentials("AKIDPOD", HOUR)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/v1/credentials")
    keys = AwsCredentials(REGION).keys()
    assert (keys.access_key, keys.session_token) == ("AKIDPOD", "t")
    assert keys.ends_at is not None
    assert abs(keys.ends_at - time.time() - HOUR) < 60.0


def test_a_web_identity_is_exchanged_in_the_clusters_region(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """IRSA."""
    aws.answer = lambda _method, _path, form: sts_credentials(form["Action"], f"AKID.{form['WebIdentityToken']}", HOUR)
    (tmp_path / "token").write_text("A.JWT")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    assert AwsCredentials(REGION).keys().access_key == "AKID.A.JWT"
    assert aws.asked == ["AssumeRoleWithWebIdentity"]


def test_an_instance_is_asked(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    def metadata(method: str, path: str, _form: dict[str, str]) -> tuple[int, str]:
        if method == "PUT":
            return 200, "token"
        status, text = container_credentials("AKIDEC2", HOUR)
        return (
            (200, "bridge") if path.endswith("/security-credentials/") else (status, text[:-1] + ', "Code": "Success"}')
        )

    aws.answer = metadata
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url)
    assert AwsCredentials(REGION).keys().access_key == "AKIDEC2"


def test_a_role_is_assumed_with_what_was_found(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_environment(monkeypatch)
    aws.answer = lambda _method, _path, form: sts_credentials(form["Action"], form["RoleArn"][-6:].upper(), HOUR)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    keys = AwsCredentials(REGION, ROLE).keys()
    assert keys.access_key == "BRIDGE"
    assert keys.ends_at is not None


# --- that they end -----------------------------------------------------------------------------------


def test_credentials_are_renewed_before_they_end(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["AKIDOLD", "AKIDNEW"])
    seconds = iter([600.0, HOUR])
    aws.answer = lambda *_: container_credentials(next(names), next(seconds))
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/v1/credentials")
    clock = [time.time()]
    credentials = AwsCredentials(REGION, clock=lambda: clock[0])
    # botocore renews from a quarter of an hour before the end, so already the first keys are the second ones.
    assert credentials.keys().access_key == "AKIDNEW"
    clock[0] += 61.0
    assert credentials.keys().access_key == "AKIDNEW"
    assert len(aws.asked) == 2


class Source:
    """In place of the chain."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.answers: list[AwsKeys | Exception] = []
        self.asked = 0

    def keys(self) -> AwsKeys:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_keys_that_hold_are_used_on_while_no_new_ones_can_be_had_and_that_is_told() -> None:
    source = Source()
    credentials = AwsCredentials(REGION, ask=source.keys, clock=lambda: source.now)
    old, new = AwsKeys("OLD", "s", None, source.now + 300.0), AwsKeys("NEW", "s", None, source.now + HOUR)
    source.answers = [old, AwsLoginError("STS is away"), AwsLoginError("STS is away"), new]
    assert credentials.keys() == old
    assert credentials.problem is None
    source.now += 100.0
    assert credentials.keys() == old
    assert str(credentials.problem) == "STS is away"
    source.now += 150.0
    assert failure(credentials) == "STS is away"
    assert credentials.keys() == new
    assert credentials.problem is None


def test_young_keys_are_not_asked_for_again() -> None:
    source = Source()
    credentials = AwsCredentials(REGION, ask=source.keys, clock=lambda: source.now)
    source.answers = [AwsKeys("ONE", "s"), AwsKeys("TWO", "s")]
    assert {credentials.keys().access_key for _ in range(20)} == {"ONE"}
    source.now += 61.0
    assert credentials.keys().access_key == "TWO"


def test_young_keys_that_are_about_to_end_are_asked_for_again() -> None:
    source = Source()
    credentials = AwsCredentials(REGION, ask=source.keys, clock=lambda: source.now)
    source.answers = [AwsKeys("ONE", "s", "t", source.now + 70.0), AwsKeys("TWO", "s", "t", source.now + HOUR)]
    assert credentials.keys().access_key == "ONE"
    source.now += 9.0
    assert credentials.keys().access_key == "ONE"
    source.now += 2.0
    assert credentials.keys().access_key == "TWO"
    assert source.asked == 2


def test_one_question_is_under_way_whoever_waits_for_it() -> None:
    begun, go = threading.Event(), threading.Event()
    source = Source()
    source.answers = [AwsKeys("ONE", "s")]

    def ask() -> AwsKeys:
        begun.set()
        go.wait()
        return source.keys()

    credentials = AwsCredentials(REGION, ask=ask)
    found: list[AwsKeys] = []
    waiting = [threading.Thread(target=lambda: found.append(credentials.keys())) for _ in range(8)]
    for thread in waiting:
        thread.start()
    begun.wait()
    go.set()
    for thread in waiting:
        thread.join()
    assert len(found) == 8
    assert source.asked == 1


# --- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("nothing_of_aws")
def test_without_credentials_it_says_who_was_asked() -> None:
    told = failure(AwsCredentials(REGION))
    assert told.startswith("no AWS credentials found; asked: the environment (AWS_ACCESS_KEY_ID), a web identity")
    assert "the instance's metadata (169.254.169.254)" in told
    assert "set AWS_PROFILE" in told


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_of_aws")
def test_metadata_of_an_instance_that_hangs_is_a_sentence(monkeypatch: pytest.MonkeyPatch, hanging: str) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", hanging)
    assert failure(AwsCredentials(REGION)).startswith("no AWS credentials found")


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_of_aws")
def test_sts_that_hangs_is_a_sentence(monkeypatch: pytest.MonkeyPatch, hanging: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("A.JWT")
    monkeypatch.setattr("bridge.aws.credentials._ANSWER", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", hanging)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    told = failure(AwsCredentials(REGION), within=60.0)
    assert told.startswith("AWS does not answer: Read timeout on endpoint URL")
    assert "STS of its region" in told


def test_a_link_of_the_chain_that_hangs_for_ever_is_a_sentence() -> None:
    never = threading.Event()

    def ask() -> AwsKeys:
        never.wait()
        raise AssertionError

    told = failure(AwsCredentials(REGION, ask=ask), within=0.05)
    assert told.startswith("no AWS credentials within 0 s: a link of the chain hangs")
    never.set()


@pytest.mark.usefixtures("nothing_of_aws")
def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    assert failure(AwsCredentials(REGION)) == "no AWS credentials: The config profile (elsewhere) could not be found"


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole", "see the role's trust policy"),
        ("ExpiredToken", "The security token included in the request is expired", "these credentials have ended"),
        ("InvalidClientTokenId", "The security token included in the request is invalid.", "does not know this access"),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261129T100000Z is now earlier than 20261129T154000Z (20261129T154500Z - 5 min.)",
            "set this machine's clock",
        ),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", "belongs to the access key"),
    ],
)
def test_what_sts_refuses_is_told_with_what_to_do(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, code: str, message: str, advice: str
) -> None:
    of_the_environment(monkeypatch)
    aws.answer = lambda *_: sts_refusal(code, message)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    told = failure(AwsCredentials(REGION, ROLE))
    assert told.startswith(f"AWS refuses AssumeRole: {code}: {message.rstrip('.')}. To do: ")
    assert advice in told
    assert "s3cret" not in told


def test_without_botocore_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.config", None)
    with pytest.raises(AwsLoginError, match=r"pip install 'track-bridge\[aws\]'") as raised:
        AwsCredentials(REGION).keys()
    assert raised.value.exit_code is ExitCode.USAGE


def test_a_chain_that_hangs_is_asked_again_after_a_while_and_each_time_after_twice_as_long() -> None:
    now, hung = [1_000_000.0], threading.Event()

    def hangs() -> AwsKeys:
        assert hung.wait(60)
        raise AwsLoginError("it was late")

    credentials = AwsCredentials(REGION, ask=hangs, clock=lambda: now[0])

    def questions() -> int:
        return sum(thread.name == "aws-credentials" for thread in threading.enumerate())

    before = questions()
    for later, more in ((0.0, 1), (59.0, 1), (2.0, 2), (119.0, 2), (2.0, 3), (239.0, 3), (2.0, 4)):
        now[0] += later
        assert "hangs" in failure(credentials, 0.01)
        assert questions() - before == more
    # However long it goes on, an hour later somebody asks again.
    for later, more in ((479.0, 4), (2.0, 5), (959.0, 5), (2.0, 6), (1919.0, 6), (2.0, 7), (3601.0, 8), (3601.0, 9)):
        now[0] += later
        assert "hangs" in failure(credentials, 0.01)
        assert questions() - before == more
    hung.set()


def test_what_lies_in_the_configuration_is_told_apart_from_what_may_heal(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_environment(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)

    def heals(role: str, code: str) -> bool:
        aws.answer = lambda *_: sts_refusal(code, "made up")
        with pytest.raises(AwsLoginError) as raised:
            AwsCredentials(REGION, role).keys()
        return raised.value.may_heal

    assert heals(ROLE, "AccessDenied")
    assert heals(ROLE, "ExpiredToken")
    assert not heals("arn:aws:iam::12:role/of-no-account", "ValidationError")
    assert not heals("short", "AccessDenied")
