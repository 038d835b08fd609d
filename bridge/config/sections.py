"""The configuration as typed, frozen values, one class per section of the file.

Durations are seconds, sizes bytes, rates events per second. What concerns several keys at once is in `rules`; only
`load.read` applies both, so nothing else should build a `Config` from text.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from bridge.config.console_section import ConsoleSettings
from bridge.config.events.example_section import (
    ExampleConfig,
    ExpectedDeadLetter,
    ExpectedDrop,
    ExpectedEvent,
    RecordExample,
)
from bridge.config.events.route_section import RouteConfig
from bridge.config.keys import control_socket, fields, scalars
from bridge.config.keys.fields import Section
from bridge.config.keys.values import LiteralValue, PathValue, TemplateValue, ValueSpec
from bridge.config.lint.lint_section import LintSettings
from bridge.config.mapping_section import MappingConfig, TopicOverrides
from bridge.config.reading.shape import FileShape
from bridge.config.registry_section import BasicAuth, RegistryOAuth, RegistryTls, SchemaRegistry

__all__ = [
    "SHAPE",
    "Auth",
    "AwsIam",
    "BasicAuth",
    "Config",
    "ConsoleSettings",
    "DeadLetterSettings",
    "Delivery",
    "ExampleConfig",
    "ExpectedDeadLetter",
    "ExpectedDrop",
    "ExpectedEvent",
    "Kafka",
    "KnownUsers",
    "LintSettings",
    "LiteralValue",
    "MappingConfig",
    "Observability",
    "Ordering",
    "PathValue",
    "RecordExample",
    "Redrive",
    "RegistryOAuth",
    "RegistryTls",
    "ReloadSettings",
    "RetryPolicy",
    "RouteConfig",
    "SchemaRegistry",
    "TemplateValue",
    "TopicOverrides",
    "Track",
    "ValueSpec",
]


def _property_text(value: Any) -> str:
    """Text is all librdkafka takes; YAML gives numbers and booleans for what everyone writes without quotes."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case dict():
            raise ValueError("must be one value; write the property's whole name with dots, such as sasl.username")
        case _:
            raise ValueError(f"must be a text, a number, true or false, not {scalars.shown(value)}")


Property = Annotated[str, BeforeValidator(_property_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Properties = Mapping[str, Property]


class AwsIam(Section):
    """The login of MSK IAM."""

    region: fields.Name = Field(description="The region of the cluster.", examples=["eu-central-1"])
    role_arn: fields.OptionalText = Field(
        default=None,
        description="A role that is assumed with the credentials that are found; left out: these themselves.",
        examples=["arn:aws:iam::123456789012:role/bridge"],
    )


class Kafka(Section):
    """The cluster, the group and the topics that events are read from."""

    bootstrap_servers: fields.Name = Field(
        description="Brokers to begin with, host:port, with commas between.", examples=["kafka-1:9092,kafka-2:9092"]
    )
    group_id: fields.Name = Field(
        description="The consumer group. Replicas share it; another name has no committed offsets.",
        examples=["userpilot-bridge"],
    )
    topics: tuple[fields.Name, ...] = Field(
        min_length=1,
        description="Topics to read; one that begins with ^ is a regular expression over topic names, of what both of "
        "Kafka's engines read alike: searched for under the classic protocol, matched against the whole name under the "
        "consumer protocol.",
        examples=[["shop.orders", r"^billing\..*"]],
    )
    start_from: fields.StartFrom = fields.preset(
        scalars.start_from,
        "error",
        "Where to start without a committed offset: error (hold the topic until this is decided), earliest, "
        "latest, an ISO 8601 time with its zone, or an age such as 24h.",
        "latest",
        "2026-01-31T00:00:00Z",
        "24h",
    )
    refresh: fields.Duration = fields.preset(
        scalars.duration,
        "30s",
        "How soon new topics of a pattern, new partitions and topics created again are noticed. What appears while the "
        "group lives is read from its beginning, whatever start_from says. topic.metadata.refresh.interval.ms in "
        "kafka.properties goes over it.",
    )
    commit_interval: fields.Duration = fields.preset(
        scalars.duration, "200ms", "How often offsets are committed, and so how much a crash may send again."
    )
    drain_timeout: fields.Duration = fields.preset(
        scalars.duration,
        "20s",
        "How long requests in flight may finish when partitions are revoked or the bridge stops.",
    )
    max_record_bytes: fields.Size = fields.preset(
        scalars.size,
        "20MB",
        "A larger record is not mapped: it becomes a dead letter without its value, which names its offset.",
    )
    start_timeout: fields.OptionalDuration = Field(
        default=None,
        description="How long `track-bridge run` waits for a broker to answer before it ends with exit code 3; null: "
        "without limit, with its pages answering.",
        examples=["2m"],
    )
    group_protocol: Literal["auto", "classic", "consumer"] = Field(
        default="auto",
        description="Kafka's group protocol. auto takes consumer (KIP-848) where the brokers let the group use it, "
        "else classic, as it does where kafka.topics holds a pattern or kafka.properties a session, an assignor or a "
        "group.instance.id. Under consumer a pattern must match the whole name.",
    )
    aws_iam: AwsIam | None = Field(
        default=None,
        description="Log in with AWS credentials (MSK IAM); needs track-bridge[aws]. Left out: as properties say.",
    )
    properties: Properties = Field(
        default={},
        repr=False,
        description="librdkafka properties for the consumer, the dead-letter producer and the admin client alike; "
        "NAME_file reads the value of NAME from a file. Properties that would break a promise are refused.",
        examples=[
            {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "bridge",
                "sasl.password_file": "/run/secrets/kafka-password",
            }
        ],
    )


class Auth(Section):
    """What happens when the API refuses the key."""

    hold_after: fields.Whole = Field(
        default=5, ge=0, description="Refusals of the key in a row that stop all sending; 0 never stops."
    )
    recheck: fields.Duration = fields.preset(
        scalars.duration, "10s", "While stopped: how often the key file is read again and one event tries the key."
    )


class KnownUsers(Section):
    """What is remembered of whom the API knows, by hash; a restart forgets, which costs requests and nothing else."""

    size: fields.Whole = Field(default=100_000, ge=1, description="Users at most; the longest unseen is forgotten.")
    ttl: fields.Duration = fields.preset(
        scalars.duration, "7d", "How long after its identify was accepted a user is believed to be known."
    )


class Track(Section):
    """The Track API: where it is, with which key, how it is called."""

    endpoint: fields.Endpoint = Field(
        description="The host of your Userpilot environment; there is no default. A bare host, a slash at the end and "
        "/v1 are accepted; the value here is scheme://host[:port].",
        examples=["https://analytex-eu.userpilot.io"],
    )
    api_key_file: fields.OptionalFilePath = Field(
        default=None,
        description="File that holds the API key, read again after a 401: keys rotate without a restart. "
        "A relative path begins at this file's folder. This or api_key is required.",
        examples=["/run/secrets/userpilot-key"],
    )
    api_key: fields.OptionalApiKey = Field(default=None, description="The API key itself; better kept in a file.")
    timeout: fields.Duration = fields.preset(
        scalars.duration, "10s", "Of one request, from connecting to the answer's end; below kafka.drain_timeout."
    )
    connection_max_age: fields.Duration = fields.preset(
        scalars.duration,
        "5m",
        "After which a connection is replaced and the name resolved again, so that a name that moved is followed.",
    )
    client: Literal["auto", "direct", "httpx"] = Field(
        default="auto", description="The HTTP client. auto takes httpx where the environment sets a proxy, else direct."
    )
    allow_http: fields.Flag = Field(
        default=False, description="Allow plain http, and so the key in clear text, beyond loopback addresses."
    )
    ca_file: fields.OptionalFilePath = Field(
        default=None,
        description="PEM file with certificate authorities to trust besides the system's. A relative path begins at "
        "this file's folder.",
        examples=["/etc/ssl/own/ca.pem"],
    )
    auth: Auth = Field(default=Auth(), description="What happens when the API refuses the key.")
    company_id_field: Literal["id", "company_id", "both"] = Field(
        default="id",
        description="The name of the id inside identify's company. The API's page says id, its OpenAPI company_id.",
    )
    unknown_users: Literal["send", "identify"] = Field(
        default="send",
        description="What comes before the first event of a user who is not known to have been identified: send, "
        "nothing; identify, a request with the user_id alone. Each identify updates last_seen_at.",
    )
    known_users: KnownUsers = Field(
        default=KnownUsers(), description="What is remembered of whom the API knows, by hash."
    )
    identify_settle: fields.Wait = fields.preset(
        scalars.wait, "0s", "How long a user's events wait after an identify of the user was accepted."
    )


class RetryPolicy(Section):
    """How a request that may succeed later is repeated."""

    kind = "retry"

    initial_backoff: fields.Duration = fields.preset(
        scalars.duration, "1s", "The longest wait before the first retry; it doubles each time, with full jitter."
    )
    max_backoff: fields.Duration = fields.preset(scalars.duration, "60s", "The longest wait the doubling reaches.")
    max_retry_after: fields.Duration = fields.preset(
        scalars.duration, "10m", "The longest wait that a Retry-After of the API can ask for."
    )
    max_attempts: fields.Whole = Field(
        default=12,
        ge=1,
        description="Attempts of one event before it becomes a dead letter. Only those count that fail while other "
        "events succeed: an outage exhausts nothing.",
    )


Ordering = Literal["user", "key", "partition", "none"]


class Delivery(Section):
    """How events are sent: in which order, how many at once, how fast."""

    ordering: Ordering = Field(
        default="user",
        description="What is kept in order: the events of one user, record key or partition, or nothing.",
    )
    max_in_flight: fields.Whole = Field(default=64, ge=1, description="Requests on their way at once, per replica.")
    max_buffered: fields.Whole = Field(
        default=2000,
        ge=1,
        description="Records held at once, per replica; five times as many more behind users whose events fail.",
    )
    max_buffered_bytes: fields.Size = fields.preset(
        scalars.size, "32MB", "Bytes of the records held at once, per replica; one record always fits."
    )
    rate_limit: fields.Rate = fields.preset(
        scalars.rate,
        "600/min",
        "Requests of this API token for all replicas together, such as 600/min, 10/s or 36000/h; unlimited lifts it.",
        "1200/min",
    )
    identify_rate_limit: fields.Rate = fields.preset(
        scalars.rate,
        "600/min",
        "Identify and company requests of this API token for all replicas together; unlimited lifts it.",
        "1200/min",
    )
    shared_rate_limit: fields.Flag = Field(
        default=False, description="Whether identify and company requests draw on rate_limit, together with events."
    )
    retry: RetryPolicy = Field(default=RetryPolicy(), description="How a request that may succeed later is repeated.")


class Redrive(Section):
    """Dead letters that the bridge sends again by itself."""

    reasons: tuple[Literal["unauthorized", "unknown_schema"], ...] = Field(
        default=(),
        description="Which dead letters: unauthorized, what a spell of refusals let through; unknown_schema, what "
        "names a schema id that the registry did not know; [] none.",
        examples=[["unauthorized"]],
    )
    after: Literal["recovery"] = Field(
        default="recovery", description="When: recovery, once the key works again, or the registry knows the id."
    )


class DeadLetterSettings(Section):
    """The topic that takes the events which cannot be delivered."""

    topic: fields.Name = Field(
        description="The dead-letter topic; beside it stands TOPIC.resolutions.", examples=["userpilot-bridge.dlq"]
    )
    create: fields.Flag = Field(default=False, description="Create both topics at start where they are missing.")
    hold_after: fields.Whole = Field(
        default=100,
        ge=0,
        description="Dead letters in a row from one topic, with nothing of it delivered between, that hold this topic; "
        "0 never holds.",
    )
    properties: Properties = Field(
        default={},
        repr=False,
        description="librdkafka properties of the dead-letter producer, over kafka.properties.",
        examples=[{"compression.type": "zstd"}],
    )
    redact: tuple[fields.Hidden, ...] = Field(
        default=(),
        description="What `track-bridge dlq` hides wherever it shows records: paths of the value, key, header:NAME.",
        examples=[["data.email", "key", "header:session"]],
    )
    redrive: Redrive = Field(default=Redrive(), description="Dead letters that the bridge sends again by itself.")


class Observability(Section):
    """What the bridge says about itself."""

    listen: fields.Listen = fields.preset(
        scalars.listen, "0.0.0.0:9464", "Address of /livez, /readyz, /metrics and /status.", "[::]:9464", ":9464"
    )
    control_socket: fields.ControlSocket = fields.preset(
        control_socket.parse,
        "auto",
        "The Unix socket by which commands on this machine hold and release topics: auto, off, or an absolute path in a"
        " directory that only the owner may enter. auto: TMPDIR (else /tmp)/track-bridge-UID/PORT-GROUP.sock.",
        "/run/bridge/control.sock",
        "off",
    )
    tap: bool = Field(
        default=False,
        description="/tap streams samples of records and requests to `track-bridge tap`, redacted, on this machine's "
        "loopback"
        " address only.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console on a terminal and json elsewhere."
    )


class ReloadSettings(Section):
    """How a changed mapping is taken over while the bridge runs. SIGHUP does it whatever is set here."""

    watch: fields.Flag = Field(
        default=False,
        description="Whether this file is looked at every few seconds, and a changed mapping section in it works "
        "without a restart. Any other changed key is refused, with all of the file, until a restart.",
    )


class Config(Section):
    """Everything `bridge.yaml` says."""

    kafka: Kafka = Field(description="The cluster, the group and the topics that events are read from.")
    track: Track = Field(description="The Track API: where it is, with which key, how it is called.")
    schema_registry: SchemaRegistry | None = Field(
        default=None,
        description="Where the schemas of Avro and Protobuf records are. Left out: such records are dead letters that "
        "name the schema id.",
    )
    delivery: Delivery = Field(default=Delivery(), description="In which order, how many at once and how fast.")
    dead_letter: DeadLetterSettings = Field(description="The topic that takes the events which cannot be delivered.")
    mapping: MappingConfig = Field(description="Which records become which events.")
    console: ConsoleSettings = Field(default=ConsoleSettings(), description="What `track-bridge console` is told.")
    observability: Observability = Field(default=Observability(), description="What the bridge says about itself.")
    reload: ReloadSettings = Field(
        default=ReloadSettings(), description="How a changed mapping is taken over while the bridge runs."
    )
    lint: LintSettings = Field(
        default=LintSettings(), description="What `track-bridge check` and `test` point at, and what of it is meant so."
    )


SHAPE: Final = FileShape(Config)
"""All keys of `bridge.yaml`."""
