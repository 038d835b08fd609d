"""Topics of one's own on somebody's cluster, gone again afterwards."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from bridge.errors import Unreachable

_CONNECTING: Final = 5.0
_PATIENCE: Final = 15.0
_CLEANING: Final = 20.0


class ClusterError(Unreachable):
    """The cluster cannot be connected to, or refuses what the self-test needs; the message is one sentence."""


class OwnTopics:
    """A context manager: entered, the topics exist; left, they and the group are deleted."""

    def __init__(self, client: Mapping[str, str], topics: Mapping[str, int], group: str) -> None:
        """`topics`: how many partitions each gets. All names must be nobody else's."""
        self._client: dict[str, str | int | float | bool] = {**client, "log_level": 0}
        self._topics = topics
        self._group = group
        self.left_behind: list[str] = []
        """What could not be deleted."""

    def __enter__(self) -> Self:
        self._admin = AdminClient(self._client)
        try:
            self._admin.list_topics(timeout=_CONNECTING)
        except KafkaException as error:
            raise ClusterError(f"cannot connect to any broker in {self._client['bootstrap.servers']}") from error
        wanted = [
            # The time given to a record is the time the mapping sees, whatever the cluster's default.
            NewTopic(name, count, -1, config={"message.timestamp.type": "CreateTime", "cleanup.policy": "delete"})
            for name, count in self._topics.items()
        ]
        created: list[str] = []
        for name, answer in self._admin.create_topics(wanted, request_timeout=_PATIENCE).items():
            try:
                answer.result(_PATIENCE)
            except (KafkaException, TimeoutError) as error:
                self._delete(created)
                raise ClusterError(f"topic {name} could not be created: {_reason(error)}") from error
            created.append(name)
        self._await()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._delete(list(self._topics))
        self._delete_group()

    def _await(self) -> None:
        """The answer to a creation comes before the brokers know of it."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            known = self._admin.list_topics(timeout=_PATIENCE).topics
            if all(name in known and len(known[name].partitions) == count for name, count in self._topics.items()):
                return
            time.sleep(0.1)

    def _delete(self, names: list[str]) -> None:
        if not names:
            return
        for name, answer in self._admin.delete_topics(names, request_timeout=_CLEANING).items():
            try:
                answer.result(_CLEANING)
            except (KafkaException, TimeoutError):
                self.left_behind.append(f"topic {name}")

    def _delete_group(self) -> None:
        """A member that was killed is in the group until its session ends."""
        deadline = time.monotonic() + _CLEANING
        while True:
            (answer,) = self._admin.delete_consumer_groups([self._group], request_timeout=_PATIENCE).values()
            try:
                answer.result(_PATIENCE)
            except (KafkaException, TimeoutError) as error:
                if _is_unknown(error):
                    return
                if time.monotonic() > deadline:
                    self.left_behind.append(f"group {self._group}")
                    return
                time.sleep(0.5)
            else:
                return


def _is_unknown(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].name() == "GROUP_ID_NOT_FOUND"


def _reason(error: Exception) -> str:
    return error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
