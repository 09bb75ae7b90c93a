"""What an editor shows for each key of a campaign file: a description, and a value that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from turkform.campaign import json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json_schema()


def properties(node: Any = SCHEMA, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every map that the schema knows, with what it says of it."""
    if isinstance(node, list):
        for part in node:
            yield from properties(part, path)
    if not isinstance(node, dict):
        return
    for name, found in node.get("properties", {}).items():
        if isinstance(found, dict):
            yield f"{path}.{name}".removeprefix("."), found
            yield from properties(found, f"{path}.{name}")
    for word in ("items", "additionalProperties", "anyOf", "oneOf"):
        yield from properties(node.get(word), path)
    for found in node.get("patternProperties", {}).values():
        yield from properties(found, f"{path}.*")
    for name, found in node.get("$defs", {}).items():
        yield from properties(found, name)


FOUND = [pytest.param(found, id=path) for path, found in dict(properties()).items()]


def options(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [found, *found.get("anyOf", ())]


@pytest.mark.parametrize("found", FOUND)
def test_a_key_has_a_description_that_ends(found: dict[str, Any]) -> None:
    assert found["description"].endswith((".", ")"))


@pytest.mark.parametrize("found", FOUND)
def test_a_key_has_an_example_where_it_has_no_choice_of_words_or_keys_of_its_own(found: dict[str, Any]) -> None:
    choice = any({"enum", "const"} & part.keys() or part.get("type") == "boolean" for part in options(found))
    nested = any("$ref" in part for part in options(found))
    assert choice or nested or found["examples"]


@pytest.mark.parametrize("found", FOUND)
def test_every_example_is_valid(found: dict[str, Any]) -> None:
    validator = Draft202012Validator({**found, "$defs": SCHEMA["$defs"]})
    for example in found.get("examples", ()):
        assert [error.message for error in validator.iter_errors(example)] == []


@pytest.mark.parametrize("found", FOUND)
def test_a_list_is_bounded_by_its_parts_and_a_text_by_its_characters(found: dict[str, Any]) -> None:
    for part in options(found):
        wrong = {"maxLength", "minLength"} if part.get("type") == "array" else {"maxItems", "minItems"}
        assert not wrong & part.keys() or part.get("type") == "string"
