"""What botocore's own model forbids, for every parameter of every operation: breaches that boto3 would let through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from turkform.marketplace.protocol import model, operations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_server import Server


def breaches(shape: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values that a shape of botocore's model rules out."""
    if "enum" in shape:
        yield "enum", "Lunch"
    if "pattern" in shape:
        yield "pattern", "a b"
    if shape["type"] == "string" and "max" in shape:
        yield "longer", "A" * (shape["max"] + 1)
    if shape["type"] == "string" and shape.get("min"):
        yield "empty", ""
    if shape["type"] == "integer" and "max" in shape:
        yield "greater", shape["max"] + 1
        yield "less", shape["min"] - 1
    if shape["type"] == "integer":
        yield "32 bits", 1 << 31


def forbidden() -> Iterator[tuple[str, str, str, Any]]:
    shapes = model()["shapes"]
    for operation in operations():
        members = shapes[model()["operations"][operation]["input"]["shape"]]["members"]
        for name, member in members.items():
            for what, value in breaches(shapes[member["shape"]]):
                yield operation, name, what, value


@pytest.mark.parametrize(("operation", "name", "what", "value"), [*forbidden()])
def test_a_breach_of_the_model_is_answered_in_its_words(
    server: Server, operation: str, name: str, what: str, value: Any
) -> None:
    unchecked = server.client(checked=False)
    with pytest.raises(ClientError) as caught:
        getattr(unchecked, xform_name(operation))(**{name: value})
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    message = caught.value.response["Error"]["Message"]
    assert re.match(r"\d+ validation errors? detected: ", message)
    assert f"Value '{value}' at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must" in message


def requiring() -> list[str]:
    shapes, named = model()["shapes"], model()["operations"]
    return [name for name in operations() if shapes[named[name]["input"]["shape"]].get("required")]


@pytest.mark.parametrize("operation", requiring())
def test_what_is_required_is_asked_for(server: Server, operation: str) -> None:
    unchecked = server.client(checked=False)
    with pytest.raises(ClientError, match="Member must not be null"):
        getattr(unchecked, xform_name(operation))()
