"""Which alerts Alertmanager sends and which it does not, by the inhibition rules that ship with the chart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tests.chart import chart

FILE: Final = chart.ROOT / "deploy" / "alertmanager" / "inhibit-rules.yaml"
MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Alert:
    """One that fires."""

    name: str
    labels: Mapping[str, str]
    summary: str


def rules() -> Sequence[Mapping[str, Any]]:
    """As Alertmanager reads them."""
    found: Sequence[Mapping[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["inhibit_rules"]
    return found


def sent(firing: Sequence[Alert], inhibitions: Iterable[Mapping[str, Any]]) -> list[Alert]:
    """Those of the alerts that fire at one moment which nobody inhibits."""
    listed = list(inhibitions)
    return [alert for alert in firing if not any(_inhibited(alert, firing, rule) for rule in listed)]


def _inhibited(alert: Alert, firing: Iterable[Alert], rule: Mapping[str, Any]) -> bool:
    return _matches(alert, rule["target_matchers"]) and any(
        source is not alert
        and _matches(source, rule["source_matchers"])
        and all(source.labels.get(label) == alert.labels.get(label) for label in rule["equal"])
        for source in firing
    )


def _matches(alert: Alert, matchers: Iterable[str]) -> bool:
    return all(_holds(alert, *found.groups()) for each in matchers if (found := MATCHER.fullmatch(each)))


def _holds(alert: Alert, label: str, operator: str, value: str) -> bool:
    found = alert.labels.get(label, "")
    is_it = re.fullmatch(value, found) is not None if "~" in operator else found == value
    return is_it is not operator.startswith("!")
