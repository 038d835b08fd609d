"""Why there are no credentials of AWS, or why AWS does not take them, as a sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridge.errors import Unreachable
from bridge.exits import ExitCode
from bridge.text.amounts import span


class AwsLoginError(Unreachable):
    """No keys; the message is a sentence without its full stop."""

    def __init__(self, sentence: str, exit_code: ExitCode = ExitCode.UNREACHABLE) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code

    @property
    def may_heal(self) -> bool:
        """Whether waiting may help: what is missing here, and an ARN that is none, stay as they are."""
        return self.exit_code is not ExitCode.USAGE


NO_EXTRA: Final = "botocore is not installed: pip install 'track-bridge[aws]' (the image has it)"

_SOURCES: Final[Mapping[str, str]] = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "assume-role-with-web-identity": "a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)",
    "shared-credentials-file": "~/.aws/credentials",
    "config-file": "~/.aws/config",
    "container-role": "the container (AWS_CONTAINER_CREDENTIALS_FULL_URI)",
    "iam-role": "the instance's metadata (169.254.169.254)",
}
"""The links of the chain that people know; the others are variants of these."""

_CLOCK: Final = "set this machine's clock: AWS takes signatures from five minutes around its own time only"
_ADVICE: Final[Mapping[str, str]] = {
    "ValidationError": "see kafka.aws_iam.role_arn, or AWS_ROLE_ARN: arn:aws:iam::ACCOUNT:role/NAME",
    "ExpiredToken": "these credentials have ended; give the process new ones",
    "ExpiredTokenException": "the token has ended; see who renews the file that holds it",
    "InvalidIdentityToken": "see that the role trusts this cluster's OIDC provider and the audience sts.amazonaws.com",
    "InvalidClientTokenId": "AWS does not know this access key (any more); give the process another",
    "UnrecognizedClientException": "AWS does not know this access key (any more); give the process another",
    "AccessDenied": "see the role's trust policy, and that this identity may do sts:AssumeRole",
    "AccessDeniedException": "see the role's trust policy, and that this identity may do sts:AssumeRole",
    "SignatureDoesNotMatch": "see that the secret key belongs to the access key",
}


def nobody_has_any(methods: Iterable[str]) -> str:
    """Of a chain in which no link has credentials; `methods` are botocore's names of its links."""
    asked = ", ".join(_SOURCES[method] for method in methods if method in _SOURCES)
    return (
        f"no AWS credentials found; asked: {asked}. Give the pod or the instance a role, or set AWS_PROFILE or "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def silent(seconds: float) -> str:
    """Of a chain that has not answered yet."""
    return (
        f"no AWS credentials within {span(seconds)}: a link of the chain hangs (credential_process, the container's or "
        "the instance's metadata, STS). AWS_EC2_METADATA_DISABLED=true leaves the instance's metadata out"
    )


def sentence(error: Exception) -> str:
    """What botocore raised. Its texts name files, profiles and roles, never a secret."""
    answer: Mapping[str, Any] = getattr(error, "response", None) or {}
    refusal = answer.get("Error")
    if isinstance(refusal, Mapping):
        return refused(getattr(error, "operation_name", "a request"), refusal)
    text = " ".join(str(error).split()).rstrip(".: ") or type(error).__name__
    if type(error).__name__ in {"EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "SSLError"}:
        return f"AWS does not answer: {text}. See that this machine reaches STS of its region (a VPC endpoint, a proxy)"
    return f"no AWS credentials: {text}"


def exit_code(error: Exception) -> ExitCode:
    """Of what `sentence` tells: whether it lies in what this process was given, or in others."""
    answer: Mapping[str, Any] = getattr(error, "response", None) or {}
    code = (answer.get("Error") or {}).get("Code")
    is_mistake = code == "ValidationError" or type(error).__name__ in {"ParamValidationError", "InvalidRegionError"}
    return ExitCode.USAGE if is_mistake else ExitCode.UNREACHABLE


def refused(operation: str, refusal: Mapping[str, Any]) -> str:
    """An answer of AWS that says no."""
    code, message = str(refusal.get("Code", "")), " ".join(str(refusal.get("Message", "")).split()).rstrip(".")
    advice = _CLOCK if is_of_the_clock(message) else _ADVICE.get(code)
    return f"AWS refuses {operation}: {code}: {message}" + (f". To do: {advice}" if advice else "")


def is_of_the_clock(message: str) -> bool:
    """Whether AWS refuses a signature for its time."""
    return any(words in message for words in ("Signature expired", "Signature not yet current", "RequestTimeTooSkewed"))
