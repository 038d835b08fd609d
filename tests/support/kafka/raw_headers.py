"""Records with headers that the Python client refuses to write, and other languages' clients do not."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

import confluent_kafka
import pytest

_TOPIC, _PARTITION, _VALUE, _FLAGS, _HEADERS = 1, 3, 4, 7, 10
"""Tags of `rd_kafka_producev`'s arguments."""
_COPY = 2


def produce_raw(bootstrap: str, topic: str, values: Iterable[bytes], name: bytes) -> None:
    """Records with a header of that name in partition 0, through the library below the Python client."""
    found = sorted((Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka*"))
    if not found:
        pytest.skip("this client is not a Linux wheel: its library cannot be called by itself")
    library = ctypes.CDLL(str(found[0]))
    for made in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, made).restype = ctypes.c_void_p
    error = ctypes.create_string_buffer(512)
    settings = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(settings, b"bootstrap.servers", bootstrap.encode(), error, 512)
    producer = ctypes.c_void_p(library.rd_kafka_new(0, settings, error, 512))
    for value in values:
        headers = ctypes.c_void_p(library.rd_kafka_headers_new(1))
        library.rd_kafka_header_add(headers, name, ctypes.c_ssize_t(len(name)), b"1", ctypes.c_ssize_t(1))
        failed = library.rd_kafka_producev(
            *(producer, _TOPIC, topic.encode(), _PARTITION, ctypes.c_int32(0)),
            *(_VALUE, value, ctypes.c_size_t(len(value)), _FLAGS, _COPY, _HEADERS, headers, 0),
        )
        assert failed == 0
    assert library.rd_kafka_flush(producer, 10_000) == 0
    library.rd_kafka_destroy(producer)
