"""HITs behind the current one of their key."""

from __future__ import annotations

from one_batch import T, hit, publication

from turkform.item_change import Op
from turkform.superseded import superseded


def test_older_generations_and_untouched_doubles_are_retired_and_worked_doubles_stay() -> None:
    old = hit("a", "x", id="3OLD", generation=1)
    double = hit("b", "y", id="3DOUBLE", created=T - 10)
    worked = hit("b", "y", id="3WORKED", available=2)
    subject = publication({"a": "x", "b": "y"}, [hit("a", "x", generation=2), old, worked, double])
    subject.hits["b"].sort(key=lambda h: h.available)  # type: ignore[attr-defined]
    assert {c.hit.id for c in superseded(subject) if c.hit} == {"3OLD", "3DOUBLE"}


def test_an_older_generation_with_work_is_closed_and_a_double_with_work_stays() -> None:
    old = hit("a", "x", id="3OLD", generation=1, available=2)
    double = hit("b", "y", id="3DOUBLE", available=2)
    subject = publication({"a": "x", "b": "y"}, [hit("a", "x", generation=2), old, hit("b", "y", available=2), double])
    assert sorted((c.key, c.ops) for c in superseded(subject)) == [("a", (Op.CLOSE,)), ("b", (Op.KEEP,))]
