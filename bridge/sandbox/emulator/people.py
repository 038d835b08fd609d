"""What the API documents of identifying users and companies, with the limits that are told of their properties.

Userpilot's pages "Identify User" and "Identify Company": ``user_id``, ``metadata`` and ``company`` of which only its id
is required; ``company_id`` and ``metadata``. Values are primitives, and null removes a property.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.sandbox.emulator.documents import (
    ContractRefusal,
    invalid,
    is_text,
    problem_of_fields,
    problem_of_values,
    read_object,
)

COMPANY_ID_FIELDS: Final = ("id", "company_id")
"""The names that the sources give to the id of a company within an identify: the page's, and the OpenAPI's."""
MOST_PROPERTIES: Final = 500
LONGEST_NAME: Final = 255
"""Characters of a property's name."""
LONGEST_VALUE: Final = 65_535
"""Characters of a property's value."""

Properties = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class PostedUser:
    """An identify that keeps the contract."""

    user_id: str
    metadata: Properties
    company: Properties | None

    def company_id(self, field: str) -> str | None:
        """The company's, under the name that counts; None where it has none, or no company."""
        found = None if self.company is None else self.company.get(field)
        return found if isinstance(found, str) and is_text(found) else None


@dataclass(frozen=True, slots=True)
class PostedCompany:
    """A company's own request that keeps the contract."""

    company_id: str
    metadata: Properties


def read_identify(body: bytes) -> PostedUser | ContractRefusal:
    """The user, or the 400 it earns. Under which name the company has its id is left to `check_company`."""
    document = read_object(body)
    if isinstance(document, ContractRefusal):
        return document
    metadata: Any = document.get("metadata", {})
    company: Any = document.get("company")
    problem = (
        problem_of_fields(document, ("user_id", "metadata", "company"), ("user_id",))
        or problem_of_properties("metadata", metadata)
        or (problem_of_properties("company", company) if "company" in document else None)
    )
    return invalid(problem) if problem else PostedUser(str(document["user_id"]), metadata, company)


def read_company(body: bytes) -> PostedCompany | ContractRefusal:
    """The company, or the 400 it earns."""
    document = read_object(body)
    if isinstance(document, ContractRefusal):
        return document
    metadata: Any = document.get("metadata", {})
    problem = problem_of_fields(document, ("company_id", "metadata"), ("company_id",))
    problem = problem or problem_of_properties("metadata", metadata)
    return invalid(problem) if problem else PostedCompany(str(document["company_id"]), metadata)


def check_company(user: PostedUser, field: str) -> ContractRefusal | None:
    """400 for a company without its id under this name."""
    if user.company is None or user.company_id(field) is not None:
        return None
    return invalid(f"company.{field} is required and must be a non-empty string")


def problem_of_properties(where: str, properties: object, *, nulls: bool = True) -> str | None:
    """What is wrong with the properties of a user or a company; ``nulls``: whether one may be removed."""
    problem = problem_of_values(where, properties, nulls=nulls)
    if problem or not isinstance(properties, dict):
        return problem
    if len(properties) > MOST_PROPERTIES + (where == "company"):
        return f"{where} has {len(properties)} properties, at most {MOST_PROPERTIES} are allowed"
    for name, value in properties.items():
        if len(name) > LONGEST_NAME:
            return f"{where}.{name[:100]}… is longer than {LONGEST_NAME} characters"
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            return f"{where}.{name[:100]} is longer than {LONGEST_VALUE} characters"
    return None
