"""Which of the standard variables switch what on, and what is said of those that cannot be followed."""

from __future__ import annotations

import pytest

from bridge.telemetry.wishes import SIGNALS, Sampling, wished

ALL = frozenset(SIGNALS)
HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        (HERE, ALL),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, {"traces"}),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, {"traces"}),
        ({**HERE, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, {"traces"}),
        ({**HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ALL),
        (
            {**HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"},
            {"logs"},
        ),
    ],
)
def test_an_endpoint_or_an_exporter_switches_a_signal_on(environ: dict[str, str], signals: set[str]) -> None:
    found = wished(environ)
    assert found is not None
    assert found.signals == signals


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "bridge", "OTEL_RESOURCE_ATTRIBUTES": "a=b"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {**HERE, "OTEL_SDK_DISABLED": "True"},
        {"OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_else_does(environ: dict[str, str]) -> None:
    assert wished(environ) is None


@pytest.mark.parametrize(
    ("name", "argument", "sampling"),
    [
        (None, None, Sampling(1.0, follows_parent=True)),
        ("parentbased_always_on", "0.5", Sampling(1.0, follows_parent=True)),
        ("parentbased_always_off", None, Sampling(0.0, follows_parent=True)),
        ("parentbased_traceidratio", "0.01", Sampling(0.01, follows_parent=True)),
        ("traceidratio", "0.25", Sampling(0.25, follows_parent=False)),
        ("traceidratio", None, Sampling(1.0, follows_parent=False)),
        ("always_off", None, Sampling(0.0, follows_parent=False)),
    ],
)
def test_the_samplers_of_the_specification_are_known(
    name: str | None, argument: str | None, sampling: Sampling
) -> None:
    environ = {**HERE, "OTEL_TRACES_SAMPLER": name or "", "OTEL_TRACES_SAMPLER_ARG": argument or ""}
    found = wished(environ)
    assert found is not None
    assert (found.sampling, found.problems) == (sampling, ())


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, "OTEL_TRACES_EXPORTER: jaeger is no exporter of this program; "),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "so no traces are exported; set it to http/protobuf, and "),
        (
            {"OTEL_TRACES_SAMPLER": "xray"},
            "OTEL_TRACES_SAMPLER: xray is not known here, so that every record is traced",
        ),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1%"}, "OTEL_TRACES_SAMPLER_ARG: 1% is no"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "60s"}, "OTEL_METRIC_EXPORT_INTERVAL: 60s is no number of milliseconds"),
    ],
)
def test_what_cannot_be_followed_is_said_in_a_sentence(environ: dict[str, str], sentence: str) -> None:
    found = wished({**HERE, **environ})
    assert found is not None
    assert any(sentence in each for each in found.problems), found.problems


def test_what_exporters_send_as_headers_is_secret() -> None:
    found = wished({**HERE, "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hunter2,authorization=Bearer%20tok%2Ben"})
    assert found is not None
    assert {"hunter2", "Bearer tok+en", "tok+en"} <= set(found.secrets)
    assert "hunter2" not in repr(found)


def test_headers_are_not_read_where_their_format_is_not_among_the_propagators() -> None:
    reads = [wished({**HERE, "OTEL_PROPAGATORS": text}) for text in ("", "b3", "none", "baggage, tracecontext")]
    assert [each is not None and each.reads_traceparent for each in reads] == [True, False, False, True]
