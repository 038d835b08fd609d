"""The configuration that the process works by now, and what was counted under those before it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.config.fingerprint import configuration_hash, mapping_number
from bridge.config.sections import Config
from bridge.counts import RouteTally, Tally
from bridge.mapping.absent_keys import AbsentKeys, KeyCount, MetadataKey
from bridge.mapping.mapper import CompiledMapping
from bridge.ops.snapshot import ConfigurationView


@dataclass(frozen=True, slots=True)
class FileNow:
    """What the configuration's file held when it was read last."""

    hash: str | None
    """Of the configuration in it; None where it holds none."""
    problems: tuple[str, ...] = ()
    """Why it is not taken over; none: it is what the process works by."""
    since: float | None = None
    """Unix time from which on it is refused."""


class WorkingConfiguration:
    """On the loop's thread. Whoever needs the mapping asks here each time."""

    def __init__(self, config: Config, mapping: CompiledMapping) -> None:
        self.config = config
        self.mapping = mapping
        self.number = number_of(config)
        self.former: set[int] = set()
        """Numbers of the mappings that this process worked by before."""
        self.hash = configuration_hash(config)
        self.loaded_at = time.time()
        self.file = FileNow(self.hash)
        self.reloads = self.refusals = 0
        self._routes = dict.fromkeys(route.name for route in mapping.routes)
        self._counted: dict[MetadataKey, KeyCount] = {}
        """By mappings that make nothing any more."""
        self._before: Sequence[AbsentKeys] = ()
        """Of the last one before this: elements of a record that it took apart may still be mapped by it."""

    def take_over(self, config: Config, mapping: CompiledMapping | None) -> None:
        """Work by this from now on. `mapping` None: only what no record meets is another."""
        if mapping is not None:
            for absent in self._before:
                _add(self._counted, absent.counts())
            self._before = self.mapping.absent_keys
            self.former.add(self.number)
            self.mapping, self.number = mapping, number_of(config)
            self.former.discard(self.number)
            self._routes = dict.fromkeys([*(route.name for route in mapping.routes), *self._routes])
        self.config, self.hash, self.loaded_at = config, configuration_hash(config), time.time()
        self.reloads += 1

    @property
    def names(self) -> Collection[str]:
        """Of the routes there are, and then of those that there were."""
        return self._routes

    def routes(self, tally: Tally) -> dict[str, RouteTally]:
        """What was counted of each route there is, and then of those that there were."""
        found = {name: RouteTally() for name in self._routes}
        for route, counted in tally.routes.items():
            if route.name in found:
                found[route.name].add(counted)
        return found

    def key_counts(self) -> Mapping[MetadataKey, KeyCount]:
        """How often each metadata key found nothing, since the start, whichever mapping looked for it."""
        if not self.former and not self._before:
            return self.mapping.key_counts()
        found = dict(self._counted)
        for absent in self._before:
            _add(found, absent.counts())
        _add(found, self.mapping.key_counts())
        return found

    def view(self) -> ConfigurationView:
        """For the pages."""
        return ConfigurationView(
            hash=self.hash,
            mapping=self.number,
            loaded_at=self.loaded_at,
            file_hash=self.file.hash,
            file_problems=self.file.problems,
            file_since=self.file.since,
            is_watched=self.config.reload.watch,
            reloads=self.reloads,
            refusals=self.refusals,
        )


def number_of(config: Config) -> int:
    """Of its mapping."""
    return mapping_number(config.mapping, config.track.company_id_field)


def _add(counts: dict[MetadataKey, KeyCount], more: Mapping[MetadataKey, KeyCount]) -> None:
    for key, count in more.items():
        counts[key] = counts.get(key, KeyCount()) + count
