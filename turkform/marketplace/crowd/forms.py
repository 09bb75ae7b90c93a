"""Forms: the page of a task in, the fields that a person would see in it out.

In: a page. Out: a `Form`, its fields in the page's order: those of one name that are chosen among (radio buttons,
checkboxes) are one field. A page of crowd elements has its form in `<crowd-form>`, whose answers are JSON in one field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from turkform.marketplace.crowd.elements import ELEMENTS, labels_of

if TYPE_CHECKING:
    from turkform.marketplace.crowd.browser import Page

_CONTROLS: Final = ("input", "select", "textarea", "button")
_SILENT: Final = {"reset", "button", "image"}
"""Types of inputs that send nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: `kind` is how it is answered.

    The kinds: `hidden` (what it holds is sent), `choice`, `choices`, `text`, the types of HTML's other inputs, such as
    `number` or `date`, and the names of crowd elements. `options` are what can be chosen, `own` says that words of
    one's own can be given instead. `fewest` and `most` bound choices, `lowest` and `highest` numbers and dates,
    `shortest` and `longest` characters; an empty text is no bound.
    """

    name: str
    kind: str
    value: str = ""
    options: tuple[str, ...] = ()
    own: bool = False
    required: bool = False
    lines: bool = False
    fewest: int = 0
    most: int = 0
    lowest: str = ""
    highest: str = ""
    step: str = ""
    shortest: int = 0
    longest: int = 0
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form: where it is sent, what it asks; `crowd` when it is one of crowd elements."""

    action: str
    fields: tuple[Field, ...]
    crowd: bool = False


def read_form(page: Page) -> Form | None:
    """Return the form of a task's page: the one that is handed in, or the first; None where there is none."""
    document = page.document()
    crowd = document.find(".//crowd-form")
    if crowd is not None:
        return Form(urljoin(page.url, "/mturk/externalSubmit"), _fields(crowd), crowd=True)
    found = document.findall(".//form")
    if not found:
        return None
    form = next((one for one in found if "externalSubmit" in one.get("action", "")), found[0])
    return Form(urljoin(page.url, form.get("action") or "/mturk/externalSubmit"), _fields(form))


def _fields(form: Any) -> tuple[Field, ...]:
    found: dict[str, Field] = {}
    sent = False
    for element in _controls(form):
        name = element.get("name", "")
        kind = _kind(element)
        if not name or element.get("disabled") is not None or kind in _SILENT:
            continue
        if kind in {"submit", "crowd-button"}:
            # Of several buttons one is pressed: the first.
            if not sent and element.get("value"):
                found.setdefault(name, Field(name, "hidden", element.get("value")))
            sent = True
            continue
        new = _field(element, name, kind)
        found[name] = _joined(found[name], new) if name in found else new
    return tuple(found.values())


def _controls(form: Any) -> list[Any]:
    """Every control of a form, also those that name it from elsewhere, in the page's order."""
    identifier = form.get("id")
    return [
        element
        for element in form.getroottree().getroot().iter()
        if isinstance(element.tag, str)
        and (element.tag in _CONTROLS or element.tag in ELEMENTS)
        and (element.get("form") == identifier if element.get("form") else form in element.iterancestors())
    ]


def _kind(element: Any) -> str:
    match element.tag:
        case "input":
            return str(element.get("type", "text")).lower() or "text"
        case "button":
            return str(element.get("type", "submit")).lower()
        case "select":
            return "choices" if element.get("multiple") is not None else "choice"
        case "textarea":
            return "text"
        case tag:
            return str(tag)


def _field(element: Any, name: str, kind: str) -> Field:
    required = element.get("required") is not None
    if element.tag == "select":
        options = tuple(option.get("value", (option.text or "").strip()) for option in element.iter("option"))
        few, many = _whole(element.get("data-fewest")), _whole(element.get("data-most"))
        return Field(name, kind, options=tuple(filter(None, options)), required=required, fewest=few, most=many)
    if kind in {"radio", "checkbox", "crowd-radio-button", "crowd-checkbox"}:
        return _choice(element, name, kind, required=required)
    value = (element.text or "").removeprefix("\n") if element.tag == "textarea" else element.get("value", "")
    if kind == "hidden" or element.get("readonly") is not None:
        return Field(name, "hidden", value)
    return Field(
        name, kind, value, labels_of(element), required=required, lines=element.tag == "textarea",
        lowest=element.get("min", ""), highest=element.get("max", ""), step=element.get("step", ""),
        shortest=_whole(element.get("minlength")), longest=_whole(element.get("maxlength")),
        patterns=_patterns(element),
    )  # fmt: skip


def _choice(element: Any, name: str, kind: str, *, required: bool) -> Field:
    """A button to choose with; forms of questions say at the group how many."""
    group: Any = next(element.iterancestors("fieldset"), {})
    own = element.get("data-own") is not None
    options = () if own else (element.get("value", "on"),)
    several = kind.endswith("checkbox")
    found = Field(name, "choices" if several else "choice", options=options, own=own)
    if kind.startswith("crowd-"):
        found = replace(found, kind=kind)
    if several:
        found = replace(found, fewest=_whole(group.get("data-fewest")), most=_whole(group.get("data-most")))
    return replace(found, required=required or group.get("data-required") is not None)


def _joined(known: Field, new: Field) -> Field:
    """Two controls of one name: more to choose from, or the place for words of one's own beside choices."""
    if known.options and new.options:
        return replace(known, options=known.options + new.options, required=known.required or new.required)
    return replace(known, own=known.own or new.own or (bool(known.options) and new.kind == "text"))


def _patterns(element: Any) -> tuple[str, ...]:
    """What a text has to match: HTML's pattern as a whole, a question form's somewhere."""
    whole = element.get("pattern")
    given = [f"^(?:{whole})$"] if whole else []
    try:
        rules = json.loads(element.get("data-patterns", "[]"))
        given += [("(?i)" if "i" in rule["flags"] else "") + rule["regex"] for rule in rules]
    except (ValueError, KeyError, TypeError):
        pass
    return tuple(given)


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
