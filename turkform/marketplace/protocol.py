"""The wire: JSON 1.1 by botocore's own service model, and the error envelope.

In: one HTTP request. Out: the operation and its checked parameters; or an `ApiError` in exactly MTurk's shape.
Checks are compiled from the model once, and go further than boto3's own: patterns, enums and lengths, which boto3
lets through.
"""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check = Callable[[Any, str, list[str]], None]

TARGET = "MTurkRequesterServiceV20170117."


class ApiError(Exception):
    """A refusal as the wire says it: the modelled type, MTurk's own code, and a sentence."""

    def __init__(self, code: str, message: str, turk_code: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.turk_code, self.status = code, message, turk_code, status

    def body(self, now: float) -> bytes:
        """The envelope; the message ends in the server's epoch milliseconds, as MTurk's did."""
        envelope = {"__type": self.code, "Message": f"{self.message} ({int(now * 1000)})"}
        if self.code in {"ValidationException", *_ACCESS}:
            envelope["Message"] = self.message
        if self.turk_code:
            envelope["TurkErrorCode"] = self.turk_code
        return msgspec.json.encode(envelope)


_ACCESS = ("InvalidSignatureException", "UnrecognizedClientException", "MissingAuthenticationTokenException")


def request_error(code: str, message: str) -> ApiError:
    """A `RequestError` with its `AWS.MechanicalTurk` code."""
    return ApiError("RequestError", message, f"AWS.MechanicalTurk.{code}")


def parameter_error(message: str, turk_code: str = "") -> ApiError:
    """A value that the model allows and MTurk did not."""
    return ApiError("ParameterValidationError", message, turk_code)


def refuse_outside(name: str, value: int, low: int, high: int) -> None:
    """Refuse a number that the model allows and the API's pages do not.

    Raises:
        ApiError: it is not from `low` to `high`.
    """
    if not low <= value <= high:
        raise parameter_error(
            f'The value "{value}" is not valid for the parameter {name}: it must be between {low} and {high}.'
        )


def refuse_longer(name: str, value: str | None, most: int) -> None:
    """Refuse a text longer than the API's pages allow.

    Raises:
        ApiError: it has more than `most` characters.
    """
    if value is not None and len(value) > most:
        raise parameter_error(f"The value of the parameter {name} is longer than {most} characters.")


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def refuse_control_characters(name: str, value: str | None) -> None:
    """Refuse a text with control characters; those that lay out text are none.

    ApproveAssignment and RejectAssignment in the API reference name them for feedback. UNCERTAIN control: that other
    texts that people read are held to the same.

    Raises:
        ApiError: it has one.
    """
    if value is not None and _CONTROL.search(value):
        raise request_error("InvalidParameterValue", f"The value of the parameter {name} has control characters.")


# --- the model -------------------------------------------------------------------------------------


@cache
def model() -> dict[str, Any]:
    """The description by botocore of the service, version 2017-01-17."""
    folder = resources.files("botocore") / "data" / "mturk" / "2017-01-17"
    loaded: dict[str, Any] = json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes()))
    return loaded


def operations() -> list[str]:
    """The names of all operations, in alphabetical order."""
    return sorted(model()["operations"])


@cache
def checker(operation: str) -> Check:
    """The compiled check of an operation's parameters."""
    return _compile(model()["operations"][operation]["input"]["shape"])


@cache
def _compile(name: str) -> Check:
    shape = model()["shapes"][name]
    kind = shape["type"]
    if kind == "structure":
        return _structure(shape)
    if kind == "list":
        return _list(shape)
    if kind == "string":
        return _string(shape)
    if kind in {"integer", "long"}:
        return _integer(shape, 1 << (31 if kind == "integer" else 63))
    return {"boolean": _boolean, "timestamp": _timestamp}[kind]


def _structure(shape: Mapping[str, Any]) -> Check:
    members = {name: member["shape"] for name, member in shape["members"].items()}
    required = shape.get("required", ())

    def check(value: Any, path: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            found.append(_breach(value, path, "Member must be a structure"))
            return
        found.extend(
            _breach(None, _below(path, name), "Member must not be null") for name in required if value.get(name) is None
        )
        for name, part in value.items():
            if part is not None and name in members:
                _compile(members[name])(part, _below(path, name), found)

    return check


def _list(shape: Mapping[str, Any]) -> Check:
    member = shape["member"]["shape"]

    def check(value: Any, path: str, found: list[str]) -> None:
        if not isinstance(value, list):
            found.append(_breach(value, path, "Member must be a list"))
            return
        inside = _compile(member)
        for number, part in enumerate(value, 1):
            inside(part, f"{path}.{number}.member", found)

    return check


def _string(shape: Mapping[str, Any]) -> Check:
    pattern = re.compile(shape["pattern"]) if "pattern" in shape else None
    enum = frozenset(shape.get("enum", ()))
    low, high = shape.get("min", 0), shape.get("max", 1 << 40)

    def check(value: Any, path: str, found: list[str]) -> None:
        if not isinstance(value, str):
            found.append(_breach(value, path, "Member must be a string"))
            return
        if "\0" in value:
            found.append(_breach(value, path, "Member must not contain the character U+0000"))
        if len(value) < low:
            found.append(_breach(value, path, f"Member must have length greater than or equal to {low}"))
        if len(value) > high:
            found.append(_breach(value, path, f"Member must have length less than or equal to {high}"))
        if pattern is not None and not pattern.search(value):
            found.append(_breach(value, path, f"Member must satisfy regular expression pattern: {pattern.pattern}"))
        if enum and value not in enum:
            found.append(_breach(value, path, f"Member must satisfy enum value set: [{', '.join(sorted(enum))}]"))

    return check


def _integer(shape: Mapping[str, Any], beyond: int) -> Check:
    low, high = shape.get("min", -beyond), shape.get("max", beyond - 1)

    def check(value: Any, path: str, found: list[str]) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            found.append(_breach(value, path, "Member must be an integer"))
        elif value < low:
            found.append(_breach(value, path, f"Member must have value greater than or equal to {low}"))
        elif value > high:
            found.append(_breach(value, path, f"Member must have value less than or equal to {high}"))

    return check


def _boolean(value: Any, path: str, found: list[str]) -> None:
    if not isinstance(value, bool):
        found.append(_breach(value, path, "Member must be a boolean"))


def _timestamp(value: Any, path: str, found: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        found.append(_breach(value, path, "Member must be a timestamp in epoch seconds"))


def _below(path: str, name: str) -> str:
    inner = name[0].lower() + name[1:]
    return f"{path}.{inner}" if path else inner


def _breach(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else str(value)[:1000]
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"


def check(operation: str, parameters: Any) -> None:
    """Refuse what breaks the model, in the words of AWS's own front end.

    Raises:
        ApiError: `ValidationException`, every breach named.
    """
    found: list[str] = []
    checker(operation)(parameters, "", found)
    if found:
        plural = "s" if len(found) > 1 else ""
        raise ApiError("ValidationException", f"{len(found)} validation error{plural} detected: {'; '.join(found)}")


# --- requests --------------------------------------------------------------------------------------


def operation_of(headers: Mapping[str, str]) -> str:
    """The operation a request names.

    Raises:
        ApiError: none that this API has.
    """
    target = headers.get("x-amz-target", "")
    name = target.removeprefix(TARGET)
    if name == target or name not in model()["operations"]:
        raise ApiError("UnknownOperationException", f"there is no operation {target[:200]}")
    return name


def parameters_of(body: bytes) -> dict[str, Any]:
    """The request's JSON.

    Raises:
        ApiError: not a JSON object.
    """
    try:
        found = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise ApiError("SerializationException", "the body is not a JSON object")
    return found
