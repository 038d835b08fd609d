"""The section `schema_registry`: where schemas are, and how to log in there."""

from typing import Literal

from pydantic import Field

from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section


class BasicAuth(Section):
    """A user and a password, in the header Authorization."""

    username: fields.Name = Field(description="The user; of Confluent Cloud the API key.", examples=["bridge"])
    password_file: fields.FilePath = Field(
        description="File that holds the password, read again after a 401. A relative path begins at this file's "
        "folder.",
        examples=["/run/secrets/registry"],
    )


class RegistryOAuth(Section):
    """A token got with client credentials."""

    token_endpoint: fields.Name = Field(
        description="Where tokens are got, by POST.", examples=["https://id.example.com/oauth/token"]
    )
    client_id: fields.Name = Field(description="Who asks.", examples=["track-bridge"])
    client_secret_file: fields.FilePath = Field(
        description="File that holds the secret, read again after a 401. A relative path begins at this file's folder.",
        examples=["/run/secrets/registry-client"],
    )
    scope: fields.OptionalText = Field(default=None, description="What is asked for.")
    logical_cluster: fields.OptionalText = Field(
        default=None, description="Of Confluent Cloud: the registry's cluster.", examples=["lsrc-abc123"]
    )
    identity_pool: fields.OptionalText = Field(
        default=None, description="Of Confluent Cloud: the pool of identities.", examples=["pool-abc"]
    )


class RegistryTls(Section):
    """Certificates for the registry's addresses."""

    ca_file: fields.OptionalFilePath = Field(
        default=None,
        description="PEM file with certificate authorities to trust besides the system's. A relative path begins at "
        "this file's folder.",
    )
    certificate_file: fields.OptionalFilePath = Field(
        default=None, description="PEM file with the bridge's own certificate, where the registry asks for one."
    )
    key_file: fields.OptionalFilePath = Field(default=None, description="PEM file with the key of this certificate.")


class SchemaRegistry(Section):
    """Where the schemas of Avro and Protobuf records are."""

    type: Literal["confluent", "apicurio", "glue"] = Field(
        default="confluent",
        description="confluent (also Karapace, Redpanda and Apicurio's compatible API), apicurio, or AWS glue.",
    )
    urls: tuple[fields.Name, ...] = Field(
        min_length=1,
        description="Its addresses, of AWS https://glue.REGION.amazonaws.com; several are tried in turn.",
        examples=[["https://registry-1.example.com"]],
    )
    basic_auth: BasicAuth | None = Field(default=None, description="Log in with a user and a password.")
    bearer_token_file: fields.OptionalFilePath = Field(
        default=None,
        description="Log in with the token in this file, read again after a 401. A relative path begins at this file's "
        "folder.",
    )
    oauth: RegistryOAuth | None = Field(default=None, description="Log in with a token got with client credentials.")
    tls: RegistryTls = Field(default=RegistryTls(), description="Certificates.")
    timeout: fields.Duration = fields.preset(
        scalars.duration, "5s", "Of one look-up, from connecting to the answer's end."
    )
    unknown_id_after: fields.Duration = fields.preset(
        scalars.duration,
        "60s",
        "An id that the registry does not know is asked for so long; then its records are dead letters.",
    )
    cache_dir: fields.OptionalFilePath = Field(
        default=None,
        description="Folder where schemas are kept over a restart; they never change. A relative path begins at this "
        "file's folder.",
        examples=["/var/cache/bridge/schemas"],
    )
