"""Every page, for every state of a fleet: it is shown, it is well made, and it obeys nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.console.app import PAGES
from bridge.console.history import FleetHistory, numbers
from bridge.console.rendering import sentence
from bridge.fleet.view import FleetPartition
from bridge.model import TopicPartition
from tests.support.console import views
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import ConsoleSetting, Opened, Visitor

QUERIES = {
    "letters": ["", "reason=rejected&page=2", "since=yesterday", "match=data.x", "id=nonsense", "state=all&of=all"],
    "letter": ["id=0:0", "id=0:1", "id=0:2"],
    "partition": ["topic=shop.orders&partition=5", "topic=%3Cscript%3E&partition=x", ""],
}
PATHS = [f"{page.path}?{query}" for page in PAGES for query in QUERIES.get(page.name, [""])]


@pytest.mark.parametrize("state", views.EVERY)
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_shown_in_every_state_and_well_made(
    with_token: ConsoleSetting, opened: Opened, state: str, path: str
) -> None:
    with_token.view = views.EVERY[state]()
    with opened(with_token) as visitor:
        for is_trusted in (False, True):
            if is_trusted:
                visitor.log_in()
            answer = visitor.get(path)
            assert answer.status_code == 200
            assert faults(answer.text) == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_from_outside_becomes_a_part_of_a_page(setting: ConsoleSetting, opened: Opened, path: str) -> None:
    setting.view = views.harmful()
    with opened(setting) as visitor:
        page = visitor.get(f"{path}&q={'%3Cscript%3E'}&topic=%22%3E%3Cscript%3E").text
    assert "<script>alert" not in page
    assert not {"\x1b", "\u202e", "\x00"} & set(page)
    assert "x" * 3_000 not in page, "nor does it fill it"


@pytest.mark.parametrize("path", PATHS)
def test_no_secret_is_on_any_page(trusted: Visitor, token_file: Path, path: str) -> None:
    page = trusted.get(path).text
    for secret in ("hunter2-secret", "NX-the-secret-key", token_file.read_text().strip()):
        assert secret not in page


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_a_page_with_a_way_back(visitor: Visitor, method: str) -> None:
    answer = visitor.client.request(method, "/nowhere")
    assert answer.status_code == 404
    assert (method == "HEAD") == (answer.text == "")
    if method == "GET":
        assert faults(answer.text) == []
        assert "There is no such page." in text_of(answer.text)


def test_only_pages_that_follow_reload_themselves_where_there_is_no_script(visitor: Visitor) -> None:
    reload_ = '<noscript><meta http-equiv="refresh" content="10"></noscript>'
    assert reload_ in visitor.get("/").text
    assert reload_ not in visitor.get("/settings").text


# --- Now -----------------------------------------------------------------------------------------------


def test_what_needs_someone_comes_first_with_all_that_is_to_be_said_of_it(
    setting: ConsoleSetting, opened: Opened
) -> None:
    setting.view = views.in_trouble()
    with opened(setting) as visitor:
        text = text_of(visitor.get("/").text)
    order = [
        "2 things need someone",
        "Needs someone",
        "unauthorized",
        "tried again at 12:00:08 (in 8 s)",
        "since 11:48:00 (12 min 0 s)",
        "all sending is held",
        "To do: Put a valid key",
        "10.0.0.2:9464",
        "topic missing",
        "and 2 more like that",
        "Ends by itself",
        "until 12:00:40 (in 40 s)",
        "At most 1,200 records, and 1 loss of which the number is not known",
        "deletes records before they are sent: from 18:00:00 (in 6 h 0 min) on",
        "They become more",
        "540 in the last minute, of 600/min",
        "Replay: track-bridge dlq replay on host-1",
        "3 members",
        "10.0.0.3:9464 silent",
    ]
    places = [text.find(each) for each in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places == sorted(places)


def test_a_fleet_that_is_well_says_so(visitor: Visitor) -> None:
    text = text_of(visitor.get("/").text)
    assert "Nothing needs anyone" in text
    assert "Nothing is recorded as lost." in text
    assert "All are done about 12:07:00 (in 7 min 0 s)." in text


def test_what_is_not_known_is_not_shown_as_nothing(setting: ConsoleSetting, opened: Opened) -> None:
    setting.view = views.unseen()
    with opened(setting) as visitor:
        text = text_of(visitor.get("/").text)
    assert "No broker at kafka-1:9092 answers" in text
    assert "Nothing is recorded as lost" not in text
    assert "? records lost" in text.replace("records lost, not read yet ?", "? records lost")
    assert "What is recorded of losses was not read yet." in text


def test_more_partitions_than_one_reads_are_counted(setting: ConsoleSetting, opened: Opened) -> None:
    trouble = views.in_trouble()
    many = tuple(TopicPartition("shop.orders", number) for number in range(300))
    setting.view = replace(trouble, concerns=(replace(trouble.concerns[0], partitions=many),))
    with opened(setting) as visitor:
        text = text_of(visitor.get("/").text)
    assert "and 288 more" in text


def test_the_last_hours_are_kept_and_no_more() -> None:
    history = FleetHistory()
    view = views.well()
    for number in range(2_000):
        history.add(replace(view, at=views.NOON + 30.0 * number))
        history.add(replace(view, at=views.NOON + 30.0 * number))
    points = history.points(views.NOON + 30.0 * 2_000)
    assert len(points) <= 720
    assert numbers(view).waiting == 600
    assert numbers(view).requests == 552
    assert numbers(view).limit == 1_200.0


# --- values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/mapping", "/settings", "/letter?id=0:0"])
def test_who_would_see_values_after_logging_in_is_told_so(
    with_token: ConsoleSetting, opened: Opened, path: str
) -> None:
    with_token.with_values()
    with opened(with_token) as visitor:
        before = visitor.get(path).text
        assert "shown to who is logged in" in text_of(before)
        assert 'href="/login?to=%2F' in before.partition("<main")[2]
        assert "console.show_values" not in text_of(before).partition("What is configured")[0]
        visitor.log_in()
        assert "shown to who is logged in" not in text_of(visitor.get(path).text)


@pytest.mark.parametrize("path", ["/mapping?take=shop.orders", "/letters/export"])
def test_a_refusal_of_values_says_that_one_can_log_in(with_token: ConsoleSetting, opened: Opened, path: str) -> None:
    with opened(with_token) as visitor:
        assert "not shown here: console.show_values." in text_of(visitor.get(path).text)
        with_token.with_values()
    with opened(with_token) as visitor:
        answer = visitor.get(path)
        assert answer.status_code == 403
        assert "shown to who is logged in." in text_of(answer.text)


# --- sentences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/partition?topic=shop.orders&partition=5", "/partitions"])
def test_a_command_in_a_sentence_is_one_that_can_be_taken_alone(
    setting: ConsoleSetting, opened: Opened, path: str
) -> None:
    told = "Look with `track-bridge dlq list -c '<b>.yaml'`, then wait."
    trouble = views.in_trouble()
    setting.view = replace(
        trouble,
        kafka_problem=told,
        concerns=(replace(trouble.concerns[0], details=(told,), action=told),),
        partitions=tuple(replace(each, detail=told, action=told) for each in trouble.partitions),
    )
    with opened(setting) as visitor:
        page = visitor.get(path).text
    shown = '<code class="command">track-bridge dlq list -c &#39;&lt;b&gt;.yaml&#39;</code>, then wait.'
    assert shown in page
    assert "`" not in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`track-bridge check` says it", '<code class="command">track-bridge check</code> says it'),
        (
            "Run `/opt/v/bin/bridge run -c b.yaml`.",
            'Run <code class="command">/opt/v/bin/bridge run -c b.yaml</code>.',
        ),
        ("`python3 -m track-bridge map`", '<code class="command">python3 -m track-bridge map</code>'),
        (
            "data.amount > `0` and data.x < `1`",
            "data.amount > `0` and data.x < `1`".replace(">", "&gt;").replace("<", "&lt;"),
        ),
        ("`track-bridge check", "`track-bridge check"),
        (None, ""),
    ],
)
def test_only_commands_of_this_program_are_taken_for_commands(text: str | None, shown: str) -> None:
    assert sentence(text) == shown


# --- Partitions ----------------------------------------------------------------------------------------


@pytest.fixture
def _rows(setting: ConsoleSetting) -> None:
    view = views.in_trouble()
    more = (FleetPartition(TopicPartition("billing", 0), lag=None), *views.partitions("audit", 2))
    setting.view = replace(view, partitions=(*view.partitions, *more))


def places(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [each.partition(">")[2].partition("<")[0] for each in body.split('<a class="place"')[1:]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["audit/0", "audit/1", "billing/0", *(f"shop.orders/{n}" for n in range(6))]),
        ("topic=audit", ["audit/0", "audit/1"]),
        ("topic=audit&order=desc", ["audit/1", "audit/0"]),
        ("why=held_by_operator", ["shop.orders/5"]),
        ("why=not+moving&topic=shop.orders", [f"shop.orders/{n}" for n in (1, 3, 4, 5)]),
        ("q=BRIDGE-2", ["shop.orders/2", "shop.orders/5"]),
        ("topic=shop.orders&sort=lag", [f"shop.orders/{n}" for n in (5, 4, 3, 2, 1, 0)]),
        ("sort=lag&order=asc&q=illing", ["billing/0"]),
        ("q=nothing+like+that", []),
    ],
)
@pytest.mark.usefixtures("_rows")
def test_partitions_are_found_and_sorted_by_the_address(
    setting: ConsoleSetting, opened: Opened, query: str, expected: list[str]
) -> None:
    with opened(setting) as visitor:
        assert places(visitor.get(f"/partitions?{query}").text) == expected


@pytest.mark.usefixtures("_rows")
def test_what_is_not_known_comes_last_in_either_order(setting: ConsoleSetting, opened: Opened) -> None:
    with opened(setting) as visitor:
        for order in ("asc", "desc"):
            assert places(visitor.get(f"/partitions?sort=lag&order={order}").text)[-1] == "billing/0"


def test_thousands_of_partitions_are_many_pages(setting: ConsoleSetting, opened: Opened) -> None:
    setting.view = replace(views.well(), partitions=views.partitions(count=1_050))
    with opened(setting) as visitor:
        first, last = visitor.get("/partitions").text, visitor.get("/partitions?page=11").text
        beyond = visitor.get("/partitions?page=99999").text
        assert visitor.get("/partitions?page=-1").status_code == 200
    assert places(first)[-1] == "shop.orders/99"
    assert places(last)[-1] == "shop.orders/1049" == places(beyond)[-1]
    assert "1 of 11" in text_of(first)


def test_one_partition_says_what_it_waits_for_and_who_holds_it(setting: ConsoleSetting, opened: Opened) -> None:
    setting.view = views.in_trouble()
    with opened(setting) as visitor:
        text = text_of(visitor.get("/partition?topic=shop.orders&partition=5").text)
        nowhere = text_of(visitor.get("/partition?topic=shop.orders&partition=77").text)
    assert "held by operator since 11:10:00 (50 min 0 s)" in text
    assert "Held by ada since 2026-01-02T11:10:00Z: the users of this topic are migrated" in text
    assert "No topic of kafka.topics has this partition." in nowhere


# --- Settings ------------------------------------------------------------------------------------------


def test_settings_show_what_was_set_and_which_replicas_differ(visitor: Visitor) -> None:
    text = text_of(visitor.get("/settings").text)
    assert "kafka-1:9092" in text
    assert "sasl.password ********" in text
    assert "another version, configuration, mapping" in text
    assert "nothing: console.token_file is not set" in text
