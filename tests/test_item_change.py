"""What a change of one item means to a person, and what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from one_batch import T, decide, hit, publication

from turkform.item_change import Op


@pytest.mark.parametrize(
    ("touched", "expected"), [({}, "replace"), ({"available": 2}, "keep"), ({"available": 2, "pending": 1}, "keep")]
)
def test_what_a_change_means_and_rests_on_does_not_depend_on_work(touched: dict[str, Any], expected: str) -> None:
    (quiet,), _ = decide(publication({"a": "new"}, [hit("a", "old")]))
    (change,), _ = decide(publication({"a": "new"}, [hit("a", "old", **touched)]))
    assert change.ops == (Op(expected),)
    assert (change.wish, change.fields) == (quiet.wish, quiet.fields) == ("change", ("question",))
    assert change.facts(extended=False) == quiet.facts(extended=False)


@pytest.mark.parametrize(
    "other",
    [{"id": "3OTHER"}, {"type_id": "OLD"}, {"generation": 2}, {"fingerprint": "z"}, {"maximum": 4}, {"expires": T + 5}],
    ids=lambda other: next(iter(other)),
)
def test_a_change_rests_on_everything_that_is_not_work(other: dict[str, Any]) -> None:
    (change,), _ = decide(publication({"a": "new"}, [hit("a", "old")]))
    assert change.hit is not None
    moved = change._replace(hit=change.hit._replace(**other))
    assert moved.facts(extended=False) != change.facts(extended=False)
    same = moved.facts(extended=True) == change.facts(extended=True)
    assert same == bool(other.keys() & {"maximum", "expires"})
