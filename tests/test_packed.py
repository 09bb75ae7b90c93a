"""Packed records are found as a dict of lists would find them."""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turkform.hits import HIT, HITs, precedence
from turkform.memory import Known, Knowns
from turkform.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEYS = st.text("abc~-é", min_size=1, max_size=4)
COUNTS = st.integers(0, 2**31 - 1)
FINGERPRINTS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)
HITS = st.builds(
    HIT, st.text("3ABZ0", min_size=1, max_size=30), KEYS, st.integers(1, 3), st.integers(1, 999_999_999), FINGERPRINTS,
    st.sampled_from(["TYPE", "OTHER"]), st.floats(0, 2e9), st.floats(0, 2e9), COUNTS, COUNTS, COUNTS, COUNTS,
    st.sampled_from(["Assignable", "Reviewable"]),
)  # fmt: skip


@given(st.lists(st.tuples(KEYS, st.binary(max_size=40))), KEYS)
def test_every_record_of_a_key_is_found_in_the_order_they_came(pairs: list[tuple[str, bytes]], absent: str) -> None:
    packed, plain = Packed(), defaultdict[str, list[bytes]](list)
    for key, record in pairs:
        packed.add(key, record)
        plain[key].append(record)
    assert {key: packed.find(key) for key in plain} == plain
    assert [(key, bytes(record)) for key, record in packed] == pairs
    assert (len(packed), packed.keys) == (len(pairs), len(plain))
    assert (absent in packed) == (absent in plain)


def test_records_are_found_after_the_table_has_grown_many_times() -> None:
    packed = Packed()
    for number in range(20_000):
        packed.add(f"key-{number % 15_000}", str(number).encode())
    assert packed.keys == 15_000
    assert [bytes(r) for r in packed.find("key-7")] == [b"7", b"15007"]
    assert [bytes(r) for r in packed.find("key-14999")] == [b"14999"]
    assert packed.find("key-15000") == []


@given(st.lists(HITS, unique_by=lambda hit: hit.id))
def test_hits_come_back_as_they_were_the_current_one_first(hits: list[HIT]) -> None:
    packed, plain = HITs([*hits, *hits[:2]]), defaultdict[str, list[HIT]](list)
    for hit in hits:
        plain[hit.key].append(hit)
    for found in plain.values():
        found.sort(key=precedence)
    assert list(packed.items()) == list(plain.items())
    assert list(packed.values()) == list(plain.values())
    assert dict(packed.several()) == {key: found for key, found in plain.items() if len(found) > 1}
    assert (list(packed), len(packed), packed.count) == (list(plain), len(plain), len(hits))
    keyed = [(hit.key.encode(), hit.id.encode()) for hit in hits]
    assert all(packed.has(key, name) and not packed.has(key, name + b"X") for key, name in keyed)


@given(st.lists(HITS, unique_by=lambda hit: hit.id), st.floats(0, 2e9))
def test_hits_that_cost_alike_are_counted_together(hits: list[HIT], now: float) -> None:
    def cost(hit: HIT) -> tuple[object, ...]:
        return hit.type_id, hit.maximum, hit.available, hit.expires > now

    packed, plain, alike = HITs(hits), Counter[tuple[object, ...]](), Counter[tuple[object, ...]]()
    for found in packed.values():
        plain.update((*cost(hit), hit is found[0]) for hit in found)
    for hit, number, current in packed.alike(now):
        alike[(*cost(hit), current)] += number
    assert alike == plain


@given(st.lists(HITS, unique_by=lambda hit: hit.id))
def test_hits_with_answers_to_review_are_found(hits: list[HIT]) -> None:
    assert sorted(HITs(hits).handed_in()) == sorted(hit for hit in hits if hit.submitted)


@given(
    st.lists(
        st.builds(
            Known, st.text("3ABZ0", min_size=1, max_size=30), KEYS, st.integers(1, 3), FINGERPRINTS,
            st.integers(0, 2**40), st.floats(0, 2e9), st.floats(0, 2e9), st.sampled_from(["", "close", "end"]),
            st.floats(0, 2e9), st.booleans(),
        )
    )
)  # fmt: skip
def test_what_is_known_comes_back_and_the_highest_generation_stands_for_its_key(known: list[Known]) -> None:
    packed, plain = Knowns(known), dict[str, Known]()
    for one in known:
        if one.key not in plain or plain[one.key].generation < one.generation:
            plain[one.key] = one
    assert list(packed.every()) == known
    assert dict(packed.items()) == plain
    assert len(packed) == len(plain)


def many_hits(count: int) -> Iterator[HIT]:
    for n in range(count):
        yield HIT(f"3{n:029}", f"item-{n:07}", 1, 1, "a" * 16, "TYPE", 1.5, 2.5, 3, 3, 0, 0, "Assignable")


def many_known(count: int) -> Iterator[Known]:
    return (Known(f"3{n:029}", f"item-{n:07}", 1, "a" * 16, 6, 1.5, 2.5) for n in range(count))


def taken(count: int, make: Callable[[int], object]) -> int:
    """Bytes that so many of them hold."""
    tracemalloc.start()
    try:
        kept = make(count)
        return tracemalloc.get_traced_memory()[0] if kept else 0
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "make", [lambda n: HITs(many_hits(n)), lambda n: Knowns(many_known(n))], ids=["HITs", "Knowns"]
)
def test_ten_times_the_items_take_little_more_memory(make: Callable[[int], object]) -> None:
    """An item's ids, key and numbers are 110 bytes; a dict of tuples would hold 500 and more."""
    few, many = taken(2_000, make), taken(20_000, make)
    assert (many - few) / 18_000 < 150
