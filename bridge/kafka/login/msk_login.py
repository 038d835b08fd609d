"""Amazon MSK's IAM login, for all clients of this process together.

Each client asks by its own background thread, before it connects and again when four fifths of its token's time are
over, and ten seconds after a failure. It hears nothing of why it failed, and its constructor complains after ten
seconds that there was no token: so why is kept here, for whoever is asked.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bridge import __version__
from bridge.aws.credentials import AwsCredentials
from bridge.aws.failures import AwsLoginError
from bridge.aws.identity import identity
from bridge.aws.sigv4 import AwsKeys
from bridge.kafka.login.login_problem import LoginProblem
from bridge.kafka.login.msk_token import msk_token

if TYPE_CHECKING:
    from bridge.config.sections import Kafka

_PATIENCE: Final = 5.0
"""Seconds a client's background thread may be kept: it serves the client's other answers, too."""
_USER_AGENT: Final = f"track-bridge/{__version__}"
_KEY: Final = "kafka.aws_iam"


class MskLogin:
    """Knows no client, so that none is kept alive by it."""

    def __init__(
        self,
        region: str,
        role_arn: str | None = None,
        *,
        credentials: AwsCredentials | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.region = region
        self._credentials = credentials or AwsCredentials(region, role_arn)
        self._clock = clock
        self._lock = threading.Lock()
        self._problem: LoginProblem | None = None

    def token(self, _config: str = "", within: float = _PATIENCE) -> tuple[str, float]:
        """The client's `oauth_cb`: a token, and its end in epoch seconds.

        Blocks for at most `within` seconds. Raises `AwsLoginError`, with the sentence that `problem` has, too.
        """
        try:
            keys = self.keys(within)
            made = msk_token(keys, self.region, self._clock(), _USER_AGENT)
            if made.ends_at <= self._clock():
                raise AwsLoginError("the AWS credentials have ended, and no new ones came")  # noqa: TRY301 - as below
        except AwsLoginError as error:
            self._tell(str(error))
            raise AwsLoginError(f"{_KEY}: {error}", error.exit_code) from error
        # Keys that hold are used on while no new ones can be had: that is worth a word before they end.
        kept_on = self._credentials.problem
        self._tell(None if kept_on is None else f"{kept_on}; the credentials of before still hold", gets_in=True)
        return made.text, made.ends_at

    def keys(self, within: float) -> AwsKeys:
        """What tokens are made of. Raises `AwsLoginError`."""
        return self._credentials.keys(within)

    def known_as(self) -> str:
        """Who AWS takes the credentials for, or why it does not take them: a sentence without its full stop."""
        try:
            return identity(self.keys(_PATIENCE), self.region).sentence
        except AwsLoginError as error:
            return str(error)

    @property
    def problem(self) -> LoginProblem | None:
        """Why the last token could not be made, and since when none can; None: it could."""
        return self._problem

    def _tell(self, sentence: str | None, *, gets_in: bool = False) -> None:
        with self._lock:
            if sentence is None:
                self._problem = None
            else:
                since = self._clock() if self._problem is None else self._problem.since
                self._problem = LoginProblem(since, f"{_KEY}: {sentence}", gets_in)


def properties_of(kafka: Kafka) -> dict[str, str]:
    """What of the client's properties the login decides; `kafka.properties` may go over the first where rules let it.

    Every listener of MSK that takes IAM is TLS.
    """
    return {} if kafka.aws_iam is None else {"security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER"}


def login_of(kafka: Kafka) -> MskLogin | None:
    """The login that needs code of ours; None where librdkafka logs in by itself, or nobody has to."""
    return None if kafka.aws_iam is None else _shared(kafka.aws_iam.region, kafka.aws_iam.role_arn)


@functools.lru_cache(maxsize=8)
def _shared(region: str, role_arn: str | None) -> MskLogin:
    """One for all clients of the process: the credentials are the process's."""
    return MskLogin(region, role_arn)
