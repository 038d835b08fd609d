"""What promtool says to a timeline: which alerts of the chart fire, and what the panels of the dashboard show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart import chart, promtool
from tests.chart.test_dashboard import VARIABLES
from tests.integration.situations.inhibition import Alert, rules, sent
from tests.integration.situations.timeline import AFTER, BEFORE, STEP, Timeline

EVALUATED: Final = 60
"""Seconds between two evaluations of the rules, as Prometheus has it where nobody says otherwise."""
SOON: Final = 30 * 60
"""Seconds: until then an alert for the situation itself has fired."""
VALUES: Final = {"fullnameOverride": "bridge", "prometheusRule": {"enabled": True}}
DASHBOARD: Final = chart.CHART / "dashboards" / "track-bridge.json"
_LABELS: Final = r'\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}'
_SAMPLE: Final = re.compile(rf"({_LABELS}) (\S+?)(?=,? |,?$)")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ALERTS: Final = re.compile(r"^    alertname: (\w+), time: (\S+),", re.MULTILINE)
_FOUND: Final = re.compile(rf"^ *Labels:({_LABELS})\s+Annotations:({_LABELS})", re.MULTILINE)
_QUERY: Final = re.compile(r'^    expr: ("(?:[^"\\]|\\.)*"), time: (\S+),\s+exp: nil\s+got: (.*)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an operator has before them."""

    soon: frozenset[str]
    """Alerts that were sent at any time within half an hour."""
    later: frozenset[str]
    """Those that were sent when it had lasted for as long as it may."""
    left: frozenset[str]
    """Those that were sent hours after it was over."""
    inhibited: frozenset[str]
    """Those that fired and were never sent."""
    summaries: Mapping[str, str]
    """Of all of them."""
    panels: Mapping[str, Mapping[str, float]]
    """By the panel's title, legend and value at the time that was asked for."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of the dashboard."""

    title: str
    queries: tuple[tuple[str, str], ...]
    """(expression with all variables filled in, legend)"""


class Judge:
    """The chart's rules, rendered once, and promtool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        spec: dict[str, Any] = chart.render(chart.LEAST, folder, VALUES).one("PrometheusRule")["spec"]
        rendered = [rule for group in spec["groups"] for rule in group["rules"]]
        for rule in rendered:
            if "alert" in rule:
                rule["annotations"] = {"summary": rule["annotations"]["summary"]}
        self.names = tuple(rule["alert"] for rule in rendered if "alert" in rule)
        (folder / "rules.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
        self.panels = panels()
        self._inhibitions = rules()

    def judge(self, timeline: Timeline, titles: Sequence[str], panels_at: int) -> Judged:
        """Everything at once: promtool shows what it was not told to expect."""
        moments = {
            "soon": [BEFORE + at for at in range(300, SOON + 1, 300)],
            "later": [BEFORE + max(timeline.lasts, SOON) - STEP],
            "left": [timeline.ends + AFTER - STEP],
        }
        looks = {at for each in moments.values() for at in each}
        wanted = [self.panels[title] for title in titles]
        test = {
            "interval": f"{STEP}s",
            "input_series": timeline.series(),
            "alert_rule_test": [{"eval_time": f"{at}s", "alertname": name} for at in looks for name in self.names],
            "promql_expr_test": [
                {"eval_time": f"{BEFORE + panels_at}s", "expr": expr} for panel in wanted for expr, _ in panel.queries
            ],
        }
        path = self._folder / "situation.yaml"
        told = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{EVALUATED}s", "tests": [test]}
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        said = promtool.said("test", "rules", path)
        fired = _fired(said)
        at_once = {at: sent([alert for when, alert in fired if when == at], self._inhibitions) for at in looks}
        names = {name: frozenset(each.name for at in found for each in at_once[at]) for name, found in moments.items()}
        return Judged(
            **names,
            inhibited=frozenset(alert.name for _, alert in fired) - names["soon"] - names["later"] - names["left"],
            summaries={alert.name: alert.summary for _, alert in fired},
            panels={panel.title: _shown(panel, _answers(said)) for panel in wanted},
        )


def panels() -> dict[str, Panel]:
    """Every panel of the dashboard, by title."""
    page = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    flat = [each for row in page["panels"] for each in (row, *row.get("panels", ())) if each["type"] != "row"]
    return {
        panel["title"]: Panel(panel["title"], tuple((_filled(t["expr"]), t["legendFormat"]) for t in panel["targets"]))
        for panel in flat
    }


def _filled(expr: str) -> str:
    for variable, text in VARIABLES.items():
        expr = expr.replace(variable, text)
    return expr


def _fired(said: str) -> list[tuple[int, Alert]]:
    heads = list(_ALERTS.finditer(said))
    found = []
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        part = said[head.end() : following.start() if following else len(said)]
        for labels, said_of_it in _FOUND.findall(part):
            alert = Alert(head[1], _labels(labels), _labels(said_of_it)["summary"])
            found.append((_seconds(head[2]), alert))
    return found


def _answers(said: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {
        json.loads(expr): [(_labels(labels), float(number)) for labels, number in _SAMPLE.findall(got)]
        for expr, _, got in _QUERY.findall(said)
    }


def _shown(panel: Panel, answers: Mapping[str, list[tuple[dict[str, str], float]]]) -> dict[str, float]:
    return {
        _written(legend, labels): value for expr, legend in panel.queries for labels, value in answers.get(expr, ())
    }


def _written(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda label: labels.get(label[1], ""), legend).strip()


def _labels(text: str) -> dict[str, str]:
    return {name: json.loads(f'"{value}"') for name, value in _LABEL.findall(text)}


def _seconds(text: str) -> int:
    """Prometheus' durations: ``1h30m``."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))
