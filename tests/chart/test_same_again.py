"""GitOps tools render the chart at every look and repair what differs: the same values are the same text, always."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart

NOT_THE_SAME_TWICE = re.compile(
    r"(?<![$.\w-])(now|date|ago|htpasswd|bcrypt|lookup|env|expandenv|getHostByName|uuidv4|shuffle"
    r"|rand(?:Alpha|Numeric|Ascii|Int|Bytes)\w*|gen\w*(?:CA|Cert|Key|PrivateKey)\w*|encryptAES|derivePassword)\b"
)
"""Functions whose result is another one at another time, on another machine or beside another cluster."""

OF_THE_MOMENT = re.compile(r"\.Release\.(Revision|IsInstall|IsUpgrade|Time)|\.Capabilities")


def text(values: Path, *arguments: str) -> str:
    """What Helm writes, byte for byte, as Argo CD asks for it."""
    return chart.run(
        ["template", "shop", str(chart.CHART), "--namespace", "events", "--values", str(values), *arguments]
    )


@pytest.mark.parametrize("values", chart.CI, ids=[path.name for path in chart.CI])
def test_the_same_values_are_the_same_text_in_an_install_an_upgrade_and_any_later_look(values: Path) -> None:
    first = text(values)
    assert text(values) == first
    assert text(values, "--is-upgrade", "--include-crds", "--no-hooks") == without_hooks(first)


def without_hooks(rendered: str) -> str:
    parts = re.split(r"(?m)^---\n", rendered)
    return "---\n".join(part for part in parts if "helm.sh/hook:" not in part)


def test_no_template_asks_for_the_time_for_chance_or_for_the_cluster() -> None:
    for path in (chart.CHART / "templates").rglob("*"):
        if path.is_file():
            actions = [
                re.sub(r'"[^"]*"|`[^`]*`', "", each)
                for each in re.findall(r"\{\{(.*?)\}\}", path.read_text(encoding="utf-8"), re.DOTALL)
                if not each.lstrip("- ").startswith("/*")
            ]
            assert [each for each in actions if NOT_THE_SAME_TWICE.search(each)] == [], path
            if path.name != "_warnings.tpl":  # NOTES alone, which no tool keeps
                assert [each for each in actions if OF_THE_MOMENT.search(each)] == [], path


def test_only_hooks_and_suspended_or_lasting_jobs_run_anything() -> None:
    """A Job that ends and is taken away would be made again, and run again, by whoever repairs the release."""
    for values in chart.CI:
        for each in chart.render(values, values.parent).manifests:
            annotations: dict[str, Any] = each["metadata"].get("annotations", {})
            if each["kind"] in ("Job", "Pod") and "helm.sh/hook" not in annotations:
                assert "ttlSecondsAfterFinished" not in each["spec"]
                assert each["spec"]["backoffLimit"] == 0
            if each["kind"] == "CronJob":
                wanted = yaml.safe_load(values.read_text(encoding="utf-8")).get("dlqReplay", {}).get("cronJob", {})
                assert each["spec"]["suspend"] is wanted.get("suspend", True)
