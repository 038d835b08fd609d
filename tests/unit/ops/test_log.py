from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from bridge.ops.log.logger import LIBRARY_EVENT, LogWriter, set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.ops.log.logger import Logging

KEY = "up-secret-key"


class Page:
    """Takes what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes, /) -> int:
        self.data += data
        return len(data)

    @property
    def lines(self) -> list[str]:
        return self.data.decode().splitlines()


class Failing:
    """An output that takes nothing until it is mended."""

    def __init__(self, error: OSError) -> None:
        self.error: OSError | None = error
        self.refused = threading.Event()
        self.page = Page()

    def write(self, data: bytes, /) -> int:
        if self.error is not None:
            self.refused.set()
            raise self.error
        return self.page.write(data)


class Stalled:
    """An output whose reader takes nothing, so that writing to it blocks."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.reading = threading.Event()
        self.page = Page()

    def write(self, data: bytes, /) -> int:
        self.entered.set()
        self.reading.wait()
        return self.page.write(data)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def start(page: Page) -> Iterator[Callable[..., Logging]]:
    started: list[Logging] = []

    def begin(**settings: Any) -> Logging:
        defaults: dict[str, Any] = {"level": "info", "output": page, "secrets": [KEY]}
        started.append(set_up(**(defaults | settings)))
        return started[-1]

    yield begin
    for each in started:
        each.close()


def written(log: Logging, page: Page) -> list[dict[str, Any]]:
    log.close()
    return [json.loads(line) for line in page.lines]


def test_a_json_line_says_when_how_grave_and_what_first(start: Callable[..., Logging], page: Page) -> None:
    log = start()
    log.logger.info("assigned", partitions=["shop.orders/3"], total=4)

    (line,) = written(log, page)

    assert list(line) == ["timestamp", "level", "event", "partitions", "total"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["event"], line["partitions"]) == ("info", "assigned", ["shop.orders/3"])


def test_lines_below_the_level_are_not_written(start: Callable[..., Logging], page: Page) -> None:
    log = start(level="warning")
    log.logger.info("assigned")
    log.logger.warning("lost")

    assert [line["event"] for line in written(log, page)] == ["lost"]


def test_auto_means_console_for_a_person_and_json_otherwise(start: Callable[..., Logging], page: Page) -> None:
    for terminal in (True, False):
        log = start(log_format="auto", terminal=terminal)
        log.logger.info("assigned", total=4)
        log.close()

    console, as_json = page.lines
    assert "\x1b[" in console
    assert "assigned" in console
    assert json.loads(as_json)["total"] == 4


def test_console_format_without_a_terminal_has_no_colours(start: Callable[..., Logging], page: Page) -> None:
    log = start(log_format="console")
    log.logger.info("assigned", total=4, detail=None)
    log.close()

    assert "\x1b" not in page.lines[0]
    assert "total=4" in page.lines[0]
    assert "None" not in page.lines[0], "a person reads what there is"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_secret_is_in_no_line_not_even_in_the_text_of_an_exception(
    log_format: str, start: Callable[..., Logging], page: Page
) -> None:
    log = start(log_format=log_format)
    error = ValueError(f"cannot use {KEY}")
    event = f"event {KEY}"
    log.logger.info(event, field=f"Token {KEY}", nested={"deep": [KEY]})
    log.logger.critical("crashed", error=error, exc_info=error)
    logging.getLogger("librdkafka").warning("sasl.password=%s", KEY)
    log.close()

    assert KEY not in page.data.decode()
    assert page.data.decode().count("***") >= 6


def test_a_key_that_rotates_in_while_the_process_runs_is_cut_too(start: Callable[..., Logging], page: Page) -> None:
    log = start()
    log.redactor.add("rotated-key")
    log.logger.info("key_reloaded", detail="rotated-key")

    assert written(log, page)[0]["detail"] == "***"


def test_an_exception_comes_with_its_traceback_in_one_line(start: Callable[..., Logging], page: Page) -> None:
    log = start()
    log.logger.critical("crashed", exc_info=ValueError("the reason"))

    (line,) = written(log, page)

    assert "ValueError: the reason" in line["exception"]


def test_a_library_that_wants_a_traceback_where_there_is_no_exception_gets_none(
    start: Callable[..., Logging], page: Page
) -> None:
    log = start()
    logging.getLogger("librdkafka").error("no broker", exc_info=True)  # noqa: LOG014 - what is tested

    (line,) = written(log, page)

    assert line["message"] == "no broker"
    assert "exception" not in line


def test_what_libraries_log_comes_through_the_same_pipeline(start: Callable[..., Logging], page: Page) -> None:
    log = start()
    logging.getLogger("librdkafka").warning("FAIL [%s]", "broker 1 is down")

    (line,) = written(log, page)

    assert (line["event"], line["level"], line["logger"]) == (LIBRARY_EVENT, "warning", "librdkafka")
    assert line["message"] == "FAIL [broker 1 is down]"


@pytest.mark.parametrize("level", ["debug", "info"])
def test_an_http_library_never_logs_a_line_per_request(level: str, start: Callable[..., Logging], page: Page) -> None:
    log = start(level=level)
    logging.getLogger("httpx").info('HTTP Request: POST https://h/v1/track "202"')
    logging.getLogger("httpcore.http11").debug("send_request_headers.started")

    assert written(log, page) == []


def test_a_library_record_that_cannot_be_formatted_is_logged_as_it_stands(
    start: Callable[..., Logging], page: Page
) -> None:
    log = start()
    logging.getLogger("librdkafka").warning("%d %d", "one")  # noqa: PLE1206 - the mistake under test
    logging.getLogger("librdkafka").log(35, "between two levels")

    odd, between = written(log, page)

    assert odd["message"] == "%d %d ('one',)"
    assert between["level"] == "warning"


def test_closing_gives_the_standard_librarys_logging_back(start: Callable[..., Logging]) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)

    log = start()
    taken = list(root.handlers)
    log.close()

    assert taken != before[0]
    assert (root.handlers, root.level) == before


@pytest.mark.parametrize("value", ["\ud800 lone", 2**70, object()])
def test_a_value_json_has_no_place_for_does_not_lose_the_line(
    value: object, start: Callable[..., Logging], page: Page
) -> None:
    log = start()
    log.logger.info("odd", value=value)

    assert written(log, page)[0]["event"] == "odd"


def test_text_from_outside_cannot_forge_a_line_or_move_the_cursor_of_a_console(
    start: Callable[..., Logging], page: Page
) -> None:
    log = start(log_format="console")
    log.logger.warning("dead_letter", detail="no\n2026-01-02 [info] assigned\x1b[2J")
    log.logger.critical("crashed", exc_info=ValueError("\x1b[2J"))
    log.close()

    assert "crashed" in page.lines[1]
    assert "\x1b" not in page.data.decode()


def test_a_pipe_whose_reader_is_gone_is_counted_and_kills_nothing() -> None:
    log = set_up(level="info", output=Failing(BrokenPipeError()))
    log.logger.info("assigned")
    log.logger.info("revoked")
    log.close()

    assert log.write_failures == 2


def test_a_full_disk_costs_lines_only_until_there_is_space_again() -> None:
    disk = Failing(OSError(28, "No space left on device"))
    writer = LogWriter(disk)
    writer.write(b"lost\n")
    assert disk.refused.wait(10)
    disk.error = None
    writer.write(b"kept\n")

    assert writer.close()
    assert disk.page.lines == ["kept"]
    assert writer.failures == 1


def test_a_reader_that_stalls_delays_nobody_and_the_lines_it_misses_are_counted() -> None:
    output = Stalled()
    writer = LogWriter(output, capacity=5)
    writer.write(b"taken\n")
    assert output.entered.wait(10)

    for number in range(8):
        writer.write(f"{number}\n".encode())

    assert writer.failures == 3
    output.reading.set()
    assert writer.close(10)
    assert output.page.lines == ["taken", "0", "1", "2", "3", "4"]


def test_closing_does_not_wait_for_ever_for_a_reader_that_stalls() -> None:
    output = Stalled()
    writer = LogWriter(output)
    writer.write(b"taken\n")

    assert not writer.close(timeout=0.05)
    output.reading.set()
    assert writer.close()


def test_an_output_that_takes_a_line_in_parts_gets_all_of_them() -> None:
    class Small(Page):
        def write(self, data: bytes, /) -> int:
            return super().write(data[:3])

    output = Small()
    writer = LogWriter(output)
    writer.write(b"a long line\n")

    assert writer.close()
    assert output.lines == ["a long line"]
