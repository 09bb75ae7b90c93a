"""Which HIT belongs to which row."""

from __future__ import annotations

import pytest
from one_batch import hit, ops, publication


def test_renamed_keys_are_matched_by_their_fingerprints_and_nothing_is_sent() -> None:
    subject = publication({"n1": "x", "n2": "y"}, [hit("a", "x"), hit("b", "y")])
    assert ops(subject) == {"n1": ("rekey",), "n2": ("rekey",)}


def test_equal_fingerprints_are_never_guessed_apart() -> None:
    subject = publication({"n1": "same", "n2": "same"}, [hit("a", "same"), hit("b", "same")])
    assert set(ops(subject).values()) == {("create",), ("retire",)}


@pytest.mark.parametrize(
    ("rows", "hits"),
    [({"n1": "same"}, ["a", "b"]), ({"n1": "same", "n2": "same"}, ["a"])],
    ids=["two HITs", "two rows"],
)
def test_one_of_two_with_equal_fingerprints_is_never_guessed(rows: dict[str, str], hits: list[str]) -> None:
    assert "rekey" not in {
        op for found in ops(publication(rows, [hit(key, "same") for key in hits])).values() for op in found
    }
