"""What loads from a file loads the same through Helm, or is refused with a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from tests.chart import chart, helm, loading
from tests.chart.conftest import Say

ENVIRONMENT: Mapping[str, str] = {
    "USERPILOT_ENDPOINT": "https://analytex.userpilot.io",
    "USERPILOT_API_KEY": "NX-0a1b2c3d",
    "CURRENCY": "NO",
}

HEAD = """\
kafka:
  bootstrap_servers: kafka-1:9092
  group_id: userpilot-bridge
  topics: [shop.orders]
track:
  endpoint: https://analytex-eu.userpilot.io
  api_key: ${USERPILOT_API_KEY}
dead_letter:
  topic: userpilot-bridge.dlq
mapping:
  events:
    order.completed:
      event_name: Order Completed
"""


def as_values(text: str, folder: Path) -> Path:
    """The file's text below `config:`, as somebody would paste it."""
    path = folder / "values.yaml"
    below = "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())
    path.write_text(f"config:\n{below}", encoding="utf-8")
    return path


def direct(text: str, folder: Path) -> load.Loaded:
    path = folder / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    return load.read(path, ENVIRONMENT)


def through_helm(text: str, folder: Path, *arguments: str) -> load.Loaded:
    rendered = chart.render(as_values(text, folder), folder, arguments=arguments)
    mounted = folder / "mounted.yaml"
    mounted.write_text(rendered.bridge_yaml, encoding="utf-8")
    return load.read(mounted, ENVIRONMENT)


def assert_same(text: str, folder: Path) -> None:
    expected = direct(text, folder)
    assert [str(problem) for problem in expected.problems] == []
    assert through_helm(text, folder).config == expected.config


def test_the_example_configuration_loads_the_same_through_helm(tmp_path: Path) -> None:
    assert_same((chart.ROOT / "bridge.example.yaml").read_text(encoding="utf-8"), tmp_path)


def test_a_file_given_as_it_is_is_mounted_byte_for_byte(tmp_path: Path) -> None:
    text = (chart.ROOT / "bridge.example.yaml").read_text(encoding="utf-8")
    rendered = chart.render({}, tmp_path, arguments=["--set-file", f"configFile={chart.ROOT / 'bridge.example.yaml'}"])
    assert rendered.bridge_yaml == text


LITERALS = (
    *('"NO"', '"y"', '"null"', '"~"', '"true"', '"0o17"', '"0x1F"', '"1e3"', '"1_000"', '".inf"', '"017"'),
    *('"12:30:00"', '"2026-01-02"', '"<<"', '"="', '"# no comment"', '": "', '" leading and trailing "', '""', '"- "'),
    *('"tab\\tnewline\\nend"', '"\\u2028 \\x85 \\U0001F600 é"', '"a < b && c > d"', '"%!s(int=3)"', '"\\\\u003c"'),
    *('"{{ .Values.config }} {{ fail `x` }}"', "'{{ .Release.Name }}'", '"${CURRENCY}"', '"$${CURRENCY}"', "x" * 5000),
    *("12:30:00", "2026-01-02", "2026-01-02T03:04:05Z", "a:b", "$1", "--x", "1.2.3.4", "1.2.3"),
    *("0", "-1", "1000000", "123456789", "9007199254740991", "-9007199254740991", "0x1F", "0o17"),
    *("1.5", "1.0", "0.1", "1e-7", "1e3", "123456789.125", "-0.5"),
    *(
        "|\n            two\n            lines\n",
        ">-\n            folded\n            lines",
        "|+\n            kept\n\n",
    ),
)
"""As they stand in a file: words, times, numbers and templates that some YAML reads otherwise."""


@pytest.fixture(scope="module")
def literals(tmp_path_factory: pytest.TempPathFactory) -> tuple[load.Loaded, load.Loaded]:
    """All of them in one file: what it is directly, and what it is through Helm."""
    folder = tmp_path_factory.mktemp("literals")
    lines = "".join(f"        m{place}:\n          value: {value}\n" for place, value in enumerate(LITERALS))
    text = f"{HEAD}      metadata:\n{lines}"
    return direct(text, folder), through_helm(text, folder)


@pytest.mark.parametrize("place", range(len(LITERALS)), ids=[ascii(each)[:40] for each in LITERALS])
def test_a_literal_survives(literals: tuple[load.Loaded, load.Loaded], place: int) -> None:
    expected, found = (metadata_of(each)[f"m{place}"] for each in literals)
    assert found == expected


def metadata_of(loaded: load.Loaded) -> Mapping[str, Any]:
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.mapping is not None
    rule = loaded.mapping.events["order.completed"]
    assert not isinstance(rule, str)
    return rule[0].metadata


def test_a_null_that_lifts_a_setting_survives(tmp_path: Path) -> None:
    text = HEAD.replace(
        "mapping:\n", "mapping:\n  max_age: 24h\n  per_topic:\n    shop.orders: {max_age: null, when: null}\n"
    )
    assert_same(text, tmp_path)
    overrides = through_helm(text, tmp_path).config.mapping.per_topic["shop.orders"]  # type: ignore[union-attr]  # it was the same
    assert overrides.model_fields_set == {"max_age", "when"}


def test_numbers_among_the_properties_of_the_client_survive(tmp_path: Path) -> None:
    properties = "{fetch.max.bytes: 10000000, socket.keepalive.enable: true, linger.ms: 0.5, client.rack: eu-1}"
    assert_same(HEAD.replace("track:\n", f"  properties: {properties}\ntrack:\n", 1), tmp_path)


def test_an_empty_map_and_an_empty_list_survive(tmp_path: Path) -> None:
    assert_same(f"{HEAD}      metadata: {{}}\n      metadata_omit: []\n", tmp_path)


@pytest.mark.parametrize("word", ["NO", "no", "n", "off", "y", "Yes", "on"])
def test_a_literal_that_helm_takes_for_a_boolean_is_refused_by_its_name(word: str, tmp_path: Path) -> None:
    text = f"{HEAD}      metadata:\n        country: {{value: {word}}}\n"
    read_as_text = through_helm_or_refusal(text, tmp_path)
    if isinstance(read_as_text, str):
        assert "config.mapping.events.order.completed.metadata.country.value: is " in read_as_text
        assert "put a text in quotes" in read_as_text
    else:  # a Helm that reads it as the bridge does
        assert read_as_text.config == direct(text, tmp_path).config


def through_helm_or_refusal(text: str, folder: Path) -> load.Loaded | str:
    try:
        return through_helm(text, folder)
    except chart.RefusedError as error:
        return str(error)


@pytest.mark.parametrize("word", ["NO", "off", "n"])
def test_metadata_that_would_silently_be_left_out_is_refused(word: str, tmp_path: Path) -> None:
    text = f"{HEAD}      metadata: {{country: {word}, occurred_at: false}}\n"
    found = through_helm_or_refusal(text, tmp_path)
    if isinstance(found, str):
        assert "config.mapping.events.order.completed.metadata.country: is false" in found
        assert "occurred_at" not in found
    else:
        assert found.config == direct(text, tmp_path).config


@pytest.mark.parametrize("word", ["y", "on", "No"])
def test_a_key_that_helm_takes_for_a_boolean_is_refused(word: str, tmp_path: Path) -> None:
    text = f"{HEAD}      metadata: {{{word}: data.amount}}\n"
    found = through_helm_or_refusal(text, tmp_path)
    if isinstance(found, str):
        assert "put the key in quotes" in found
    else:
        assert found.config == direct(text, tmp_path).config


def test_a_number_that_helm_would_round_is_refused(tmp_path: Path) -> None:
    for number in ("123456789012345678901234567890", "9007199254740993", "-99999999999999999999"):
        found = through_helm_or_refusal(f"{HEAD}      metadata:\n        it: {{value: {number}}}\n", tmp_path)
        assert isinstance(found, str)
        assert "config.mapping.events.order.completed.metadata.it.value: is a number of more digits" in found


def test_the_charts_own_configuration_holds_no_route(tmp_path: Path) -> None:
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    assert defaults["config"]["mapping"]["events"] == {}
    only = {"payment.made": {"event_name": "Paid"}}
    values = {**chart.LEAST, "config": {**chart.LEAST["config"], "mapping": {"events": only}}}
    text = chart.render(values, tmp_path).bridge_yaml
    assert yaml.safe_load(text)["mapping"]["events"] == only


def test_a_changed_configuration_replaces_the_pods_and_nothing_else_does(tmp_path: Path) -> None:
    def annotations(**kafka: Any) -> dict[str, str]:
        more = {"config": {"kafka": kafka}}
        found: dict[str, str] = chart.render(chart.LEAST, tmp_path, more).pod["metadata"]["annotations"]
        return found

    assert annotations()["checksum/config"] != annotations(commit_interval="100ms")["checksum/config"]
    assert annotations() == annotations()


@pytest.mark.parametrize("as_text", [False, True])
def test_where_a_changed_mapping_is_taken_over_only_what_is_beside_it_replaces_the_pods(
    tmp_path: Path,
    as_text: bool,  # noqa: FBT001 - how the configuration is given
) -> None:
    def rendered(watch: bool, **sections: Any) -> tuple[str, str]:  # noqa: FBT001 - see above
        config = {**chart.LEAST["config"], **sections, **({"reload": {"watch": True}} if watch else {})}
        values = {**chart.LEAST, "config": config}
        if as_text:
            values = {**chart.LEAST, "configFile": yaml.safe_dump(config)}
            del values["config"]
        found = chart.render(values, tmp_path)
        return found.pod["metadata"]["annotations"]["checksum/config"], found.bridge_yaml

    other = {"mapping": {"events": {"another": {"event_name": "Another"}}}}
    more = {"observability": {"log_level": "debug"}}
    rolls, reloads = rendered(False), rendered(True)
    assert rendered(False, **other)[0] != rolls[0], "as ever"
    assert rendered(True, **other)[0] == reloads[0]
    assert rendered(True, **other)[1] != reloads[1], "the mounted file has the new mapping"
    assert rendered(True, **more)[0] != reloads[0], "any other key needs a restart"
    assert reloads[0] != rolls[0]


def test_the_pods_do_not_change_with_the_version_of_the_chart_alone(tmp_path: Path) -> None:
    copy = tmp_path / "track-bridge"
    shutil.copytree(chart.CHART, copy)
    text = (copy / "Chart.yaml").read_text()
    (copy / "Chart.yaml").write_text(text.replace("\nversion: ", "\nversion: 9"))
    assert chart.render(chart.LEAST, tmp_path, chart=copy).pod == chart.render(chart.LEAST, tmp_path).pod


def test_values_as_a_dependency_of_another_chart_load_the_same(tmp_path: Path) -> None:
    """An umbrella chart: nulls and numbers pass one merge more."""
    parent = tmp_path / "umbrella"
    shutil.copytree(chart.CHART, parent / "charts" / "track-bridge")
    (parent / "Chart.yaml").write_text(
        "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n"
        f"  - {{name: track-bridge, version: {yaml.safe_load((chart.CHART / 'Chart.yaml').read_text())['version']}, "
        "condition: track-bridge.enabled}\n"
    )
    text = HEAD.replace("mapping:\n", "mapping:\n  max_age: 24h\n  per_topic: {shop.orders: {max_age: null}}\n")
    text += "      metadata: {it: {value: 1000000}, that: {value: 9007199254740991}}\n"
    below = yaml.safe_load(as_values(text, tmp_path).read_text())
    rendered = chart.render({"track-bridge": {"enabled": True, **below}, "global": {"a": 1}}, tmp_path, chart=parent)
    mounted = tmp_path / "mounted.yaml"
    mounted.write_text(rendered.bridge_yaml, encoding="utf-8")
    assert load.read(mounted, ENVIRONMENT).config == direct(text, tmp_path).config


def test_what_the_environment_overrides_reaches_the_program(tmp_path: Path) -> None:
    more = {"extraEnv": [{"name": "BRIDGE_KAFKA__GROUP_ID", "value": "other"}]}
    loaded = loading.of_the_pod(chart.render(chart.LEAST, tmp_path, more), tmp_path)
    assert loaded.config is not None
    assert loaded.config.kafka.group_id == "other"


def test_one_sentence_names_every_value_that_is_missing(tmp_path: Path) -> None:
    said = chart.refusal({}, tmp_path)
    for name in (
        "config.kafka.bootstrap_servers",
        "config.kafka.group_id",
        "config.kafka.topics",
        "config.track.endpoint",
        "config.dead_letter.topic",
        "config.mapping.events",
        "apiKey.existingSecret",
    ):
        assert f"{name}: is not set; " in said
    assert "7 problems with the values" in said


def test_a_null_is_a_value_that_is_missing(refusal: Say) -> None:
    assert "config.kafka.group_id: is not set; " in refusal({"config": {"kafka": {"group_id": None}}})


def test_helm_is_the_one_that_was_asked_for() -> None:
    assert helm.here() is not None
