"""The section `console`: where `track-bridge console` listens, whom it asks, and what it may do and show."""

from pydantic import Field

from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section


class ConsoleSettings(Section):
    """What `track-bridge console` is told; `track-bridge status --group` and `track-bridge top` ask them, too."""

    listen: fields.Listen = fields.preset(
        scalars.listen,
        "127.0.0.1:9465",
        "Address of the console. Another one than loopback needs token_file, or the option --behind-proxy.",
        "[::1]:9465",
    )
    instances: tuple[fields.Instance, ...] = Field(
        default=(),
        description="The replicas, each HOST:PORT or a URL; dns+http://NAME:PORT stands for every address of the name. "
        "Left out: the address of observability.listen.",
        examples=[["dns+http://track-bridge-headless:9464"]],
    )
    token_file: fields.OptionalFilePath = Field(
        default=None,
        description="File with the token to log in with, read again when it changes; without one nothing can be "
        "changed. A relative path begins at this file's folder.",
        examples=["/run/secrets/console-token"],
    )
    show_values: fields.Flag = Field(
        default=False, description="Whether the console shows values of records, less dead_letter.redact."
    )
