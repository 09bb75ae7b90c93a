"""Crowd elements: what each of them puts into a task's answers.

In: an element's labels, the label chosen, a source of chance. Out: the value as its script sends it, in the JSON of
`taskAnswers`.

Source: "Crowd HTML Elements Reference" in AWS's SageMaker guide, the output of each element (read November 2026).
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

_PICTURE: Final = {"width": 640, "height": 480}
_TEXTS: Final = frozenset({"crowd-input", "crowd-text-area"})
_ONE_LABEL: Final = frozenset({"crowd-classifier", "crowd-image-classifier"})
_LABELS: Final = frozenset({"crowd-classifier-multi-select", "crowd-image-classifier-multi-select"})
_DRAWN: Final = frozenset(
    {
        "crowd-bounding-box", "crowd-polygon", "crowd-polyline", "crowd-line", "crowd-keypoint",
        "crowd-entity-annotation", "crowd-semantic-segmentation", "crowd-instance-segmentation",
    }
)  # fmt: skip
ELEMENTS: Final = (
    _TEXTS | _ONE_LABEL | _LABELS | _DRAWN
    | {"crowd-slider", "crowd-checkbox", "crowd-radio-button", "crowd-toggle-button", "crowd-button"}
)  # fmt: skip


def labels_of(element: Any) -> tuple[str, ...]:
    """The labels or categories that an element offers: a list in JSON, or in JavaScript's single quotes."""
    text = element.get("categories") or element.get("labels") or ""
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(found, list):
            return tuple(one["label"] if isinstance(one, dict) and "label" in one else str(one) for one in found)
    return ()


def value_of(kind: str, chosen: tuple[str, ...], options: tuple[str, ...], chance: random.Random) -> Any:
    """Return what an element of this kind holds after it was answered with `chosen`."""
    first = chosen[0] if chosen else ""
    if kind in _ONE_LABEL:
        return {"label": first}
    if kind in _LABELS:
        return {"labels": [*chosen]}
    if kind in {"choice", "choices", "crowd-checkbox", "crowd-radio-button"}:
        return {option: option in chosen for option in options}
    if kind == "crowd-toggle-button":
        return {"on": bool(chosen)}
    if kind == "crowd-slider":
        return float(first)
    return _drawn(kind, first, chance) if kind in _DRAWN else first


def _drawn(kind: str, label: str, chance: random.Random) -> dict[str, Any]:
    left, top = chance.randrange(320), chance.randrange(240)
    picture: dict[str, Any] = {"inputImageProperties": _PICTURE}
    corners = [(left, top), (left + chance.randrange(9, 320), top), (left, top + chance.randrange(9, 240))]
    vertices = [{"x": x, "y": y} for x, y in corners]
    match kind:
        case "crowd-bounding-box":
            box = {"height": chance.randrange(9, 240), "label": label, "left": left, "top": top}
            return {"boundingBoxes": [box | {"width": chance.randrange(9, 320)}], **picture}
        case "crowd-polygon":
            return {"polygons": [{"label": label, "vertices": vertices}], **picture}
        case "crowd-polyline" | "crowd-line":
            return {"polylines": [{"label": label, "vertices": vertices}], **picture}
        case "crowd-keypoint":
            return {"keypoints": [{"label": label, "x": left, "y": top}], **picture}
        case "crowd-entity-annotation":
            start = chance.randrange(20)
            return {"entities": [{"endOffset": start + 5, "label": label, "startOffset": start}]}
        case _:
            return {"labeledImage": {"pngImageData": ""}, **picture}
