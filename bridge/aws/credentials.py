"""The credentials of this process, by the chain that all tools of AWS follow; botocore walks it, and only it knows it.

Environment, profile, web identity (IRSA), SSO, a process, the container's (ECS, EKS Pod Identity), the instance's: each
may be slow, hang, or give credentials that end. So the chain is asked on a thread of its own, by two at once only where
the first one hangs, and whoever needs keys waits only so long. Keys that still hold are used on while no new ones come.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from contextlib import suppress
from typing import Any, Final

from bridge.aws import failures
from bridge.aws.failures import AwsLoginError
from bridge.aws.sigv4 import AwsKeys
from bridge.exits import ExitCode

PATIENCE: Final = 60.0
"""Seconds the whole chain may take. Each question of it has a short time of its own, so that this ends only a link that
hangs for ever; where a process has a tenth of a processor, loading botocore alone takes ten seconds.
"""
_LONGEST: Final = 3600.0
"""Seconds that a chain which hangs again and again is waited for at most, until it is asked again."""
_CONNECT: Final = 3
_ANSWER: Final = 5
"""Seconds for STS and SSO: botocore's own patience is a minute, five times."""
_FRESH: Final = 60.0
"""Seconds in which keys without an end are not asked for again: a file that holds them may be written again."""
_USABLE: Final = 60.0
"""Seconds that keys must have left to be used on while no new ones can be had."""
_SESSION_NAME: Final = "track-bridge"

Ask = Callable[[], AwsKeys]


class AwsCredentials:
    """Asks nobody before the first `keys`. May be used from several threads."""

    def __init__(
        self,
        region: str,
        role_arn: str | None = None,
        *,
        ask: Ask | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`region`: where STS is asked where the environment names no other. `role_arn`: assumed with what was found.

        `ask` takes the place of the chain.
        """
        self._ask = ask or _Chain(region, role_arn).keys
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: AwsKeys | None = None
        self._asked_at = 0.0
        self._asking: Future[AwsKeys] | None = None
        self._began = 0.0
        self._given_up = 0
        """Questions in a row that hung."""
        self.problem: AwsLoginError | None = None
        """Why no new keys could be had last time, also where the old ones still hold; None: they could."""

    def keys(self, within: float = PATIENCE) -> AwsKeys:
        """Keys that hold. Blocks for at most `within` seconds. Raises `AwsLoginError`."""
        asking = self._question()
        if isinstance(asking, AwsKeys):
            return asking
        try:
            return asking.result(within)
        except NotInTimeError:
            error = AwsLoginError(failures.silent(within))
        except AwsLoginError as failed:
            error = failed
        with self._lock:
            self.problem = error
            if self._keys is not None and self._left(self._keys) > _USABLE:
                return self._keys
        raise error

    def _question(self) -> AwsKeys | Future[AwsKeys]:
        """What is known and young enough, or the one question that is under way."""
        with self._lock:
            keys = self._keys
            if keys is not None and self._clock() - self._asked_at < _FRESH and self._left(keys) > _USABLE:
                return keys
            if self._asking is not None and self._clock() - self._began > self._longest():
                self._asking, self._given_up = None, self._given_up + 1
            if self._asking is None:
                self._asking, self._began = Future(), self._clock()
                threading.Thread(target=self._run, args=(self._asking,), name="aws-credentials", daemon=True).start()
            return self._asking

    def _longest(self) -> float:
        """Seconds until a question that hangs is asked again: twice as long each time, for its thread may never end."""
        return min(PATIENCE * 2.0**self._given_up, _LONGEST)

    def _run(self, asking: Future[AwsKeys]) -> None:
        """On a thread nobody waits for at the process's end: a process or a socket may hang for ever."""
        keys, failed = None, None
        try:
            keys = self._ask()
        except AwsLoginError as error:
            failed = error
        except Exception as error:  # noqa: BLE001  # files, processes and answers of others: all of them are sentences
            failed = AwsLoginError(failures.sentence(error), failures.exit_code(error))
        with self._lock:
            # First of all, so that who asks after this answer asks again.
            if self._asking is asking:
                self._asking, self._given_up = None, 0
            if keys is not None:
                self._keys, self._asked_at, self.problem = keys, self._clock(), None
        if keys is not None:
            asking.set_result(keys)
        else:
            asking.set_exception(failed)

    def _left(self, keys: AwsKeys) -> float:
        return float("inf") if keys.ends_at is None else keys.ends_at - self._clock()


class _Chain:
    """botocore's, loaded with the first question. Used by one thread at a time."""

    def __init__(self, region: str, role_arn: str | None) -> None:
        self._region = region
        self._role_arn = role_arn
        self._found: Any = None

    def keys(self) -> AwsKeys:
        """What is in force now. botocore renews what it can from a quarter of an hour before the end."""
        found, self._found = self._found or self._load(), None
        frozen = found.get_frozen_credentials()
        # botocore tells this to nobody; only credentials it can renew have it.
        end = getattr(found, "_expiry_time", None)
        # What cannot be renewed is looked for again each time: somebody may have written other credentials.
        self._found = found if end is not None else None
        return AwsKeys(frozen.access_key, frozen.secret_key, frozen.token, end.timestamp() if end is not None else None)

    def _load(self) -> Any:
        session = session_of(self._region)
        found = session.get_credentials()
        if found is None:
            methods = [provider.METHOD for provider in session.get_component("credential_provider").providers]
            raise AwsLoginError(failures.nobody_has_any(methods))
        return found if self._role_arn is None else _assumed(session, found, self._role_arn)


def session_of(region: str) -> Any:
    """botocore's, with our patience. Raises `AwsLoginError` where there is no botocore."""
    try:
        from botocore.config import Config  # noqa: PLC0415 - an extra, and a tenth of a second of every start
        from botocore.session import Session  # noqa: PLC0415 - as above
    except ImportError:
        raise AwsLoginError(failures.NO_EXTRA, ExitCode.USAGE) from None
    # What it cannot renew it tells with a traceback; here it becomes a sentence.
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    session = Session()
    session.set_default_client_config(
        Config(connect_timeout=_CONNECT, read_timeout=_ANSWER, retries={"total_max_attempts": 2, "mode": "standard"})
    )
    with suppress(Exception):  # a profile that is not there: said with the next question, which names it
        if session.get_config_variable("region") is None:
            session.set_config_variable("region", region)
    return session


def _assumed(session: Any, source: Any, role_arn: str) -> Any:
    from botocore.credentials import (  # noqa: PLC0415 - as above
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )

    region = session.get_config_variable("region")
    fetcher = AssumeRoleCredentialFetcher(
        functools.partial(session.create_client, region_name=region),
        source,
        role_arn,
        extra_args={"RoleSessionName": _SESSION_NAME},
    )
    return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
