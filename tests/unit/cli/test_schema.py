"""`track-bridge schema`: the schemas that ship with the program."""

import json

import pytest

from tests.unit.cli.conftest import Cli


def test_without_a_name_it_is_the_configurations(cli: Cli) -> None:
    ran = cli("schema")
    assert ran.code == 0
    assert "kafka" in json.loads(ran.out)["properties"]


@pytest.mark.parametrize("name", ["bridge", "track-request", "dead-letter", "status"])
def test_each_is_printed_by_its_name_or_its_beginning(cli: Cli, name: str) -> None:
    ran = cli("schema", name)
    assert ran.code == 0
    assert json.loads(ran.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_list_names_all_of_them(cli: Cli) -> None:
    ran = cli("schema", "--list")
    names = [line.split()[0] for line in ran.out.splitlines()]
    assert {"bridge", "track-request", "status"} <= set(names)
    assert all(cli("schema", name).code == 0 for name in names)
    listed = json.loads(cli("schema", "--list", "--json").out)["schemas"]
    assert [each["name"] for each in listed] == names


@pytest.mark.parametrize("name", ["nothing", "", "../bridge"])
def test_an_unknown_one_is_2_and_the_known_ones_are_listed(cli: Cli, name: str) -> None:
    ran = cli("schema", name)
    assert (ran.code, "track-request" in ran.err) == (2, True)
