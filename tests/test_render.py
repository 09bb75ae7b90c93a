"""The plan document drawn for people: complete without colour, safe before hostile text."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from plan_documents import EVIL, HOSTILE, RICH, document, items, step
from rich.console import Console

from turkform.printable import as_json, clean
from turkform.render import FOLD, draw
from turkform.wording import closing, counts


def plain(doc: dict[str, Any], *, full: bool = False, width: int | None = 100) -> str:
    return draw(doc, full=full, width=width).plain


def test_every_step_has_a_symbol_and_a_word() -> None:
    lines = plain(RICH).splitlines()
    for begin in ("  +   create  batch.pilot  publish 40 HITs", "  -/+ replace batch.main", "  …   wait    batch.main"):
        assert any(line.startswith(begin) for line in lines), begin


def test_new_terms_say_how_many_hits_move_and_how_many_keep_theirs() -> None:
    assert "new terms: 118 untouched HITs move, 7 with work keep the old terms" in plain(RICH)
    assert "reward  0.15 -> 0.20" in plain(RICH)


def test_a_hit_type_reads_as_a_person_would_declare_it() -> None:
    text = plain(RICH)
    assert "assignment_duration  10m" in text
    assert "requirements         trained at_least 80, guards discover" in text
    assert "auto_approval_delay" not in text


def test_what_cannot_be_undone_stands_before_the_steps() -> None:
    text = plain(RICH)
    first, rest = text.split("Steps, in order")
    assert "cannot be undone" in first
    assert first.index("cannot be undone") < first.index("concerns people")
    assert "cannot be undone" not in rest


def test_items_are_folded_unless_all_are_asked_for() -> None:
    assert f"… and {40 - FOLD} more; --full lists 40" in plain(RICH)
    assert "img-40" not in plain(RICH)
    assert "img-40" in plain(RICH, full=True)


def test_what_the_document_does_not_list_is_counted() -> None:
    doc = document(step("create", "batch.big", "create", items=items(5000, listed=20)))
    assert "… and 4,980 more" in plain(doc, full=True)
    assert "--full" not in plain(doc)


def test_the_whole_plan_shows_facts_and_sample_pages() -> None:
    text = plain(RICH, full=True)
    assert "only if: untouched, else wait" in text
    assert 'Sample batch.pilot["img-1"]' in text
    assert "20 more lines" in text
    assert "Sample" not in plain(RICH)


def test_the_last_line_counts_and_prices() -> None:
    doc = document(
        step("create", "batch.pilot", "create", items=items(12)), step("update", "batch.main", "move", items=items(3))
    )
    assert closing(doc) == "Plan: 12 to create, 3 to change, 0 to retire. Price: at most $16.70."
    assert plain(doc).splitlines()[-1] == closing(doc)


def test_an_item_that_takes_several_calls_is_counted_once() -> None:
    doc = document(
        step("update", "batch.main", "move", items=items(5)), step("update", "batch.main", "extend", items=items(6))
    )
    assert counts(doc).change == 6
    many = items(5000, listed=20)
    doc = document(step("update", "batch.main", "move", items=many), step("update", "batch.main", "extend", items=many))
    assert counts(doc).change == 5000


def test_an_empty_plan_says_that_there_is_nothing_to_do() -> None:
    assert closing(document()) == "Plan: nothing to do. Committed: $21.24."
    waiting = document(step("wait", "qualification_type.old", reason="deletion waits: 2 HITs still require it"))
    assert closing(waiting) == "Plan: nothing to do, 1 waiting. Committed: $21.24."


def test_the_price_block_shows_both_sides_budget_and_balance() -> None:
    text = plain(RICH)
    for part in ("at most $16.70", "$21.24 now, at most $37.94 after", "$400.00, $362.06 left", "$9978.76"):
        assert part in text, part


def test_a_refusal_stands_beside_the_last_line_with_its_way_out() -> None:
    doc = document(refusals=["batch.pilot: 9 to 10 is impossible. Set assignments to 9"])
    text = plain(doc)
    assert "! batch.pilot: 9 to 10 is impossible. Set assignments to 9" in text
    assert "Refused for 1 reason: nothing will be sent." in text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\rb"),
        ("two\nlines", "two\\nlines"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\u2028", "\\u2028"),
        ("naïve 漢字 👩\u200d🔬", "naïve 漢字 👩\u200d🔬"),
    ],
)
def test_control_characters_are_spelled_out(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_no_text_of_a_campaign_reaches_the_terminal_raw() -> None:
    doc = HOSTILE
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system=None, width=80).print(draw(doc, full=True, width=80))
    for char in "\x1b\x07\u202e\x9b":
        assert char not in out.getvalue()
        assert char not in as_json(doc)


def test_json_is_the_document() -> None:
    doc = document(title=EVIL + " 漢字", steps=[])
    assert json.loads(as_json(doc)) == doc
    assert "漢字" in as_json(doc)


def test_lines_stay_within_the_terminal_and_are_whole_in_a_file() -> None:
    doc = document(notes=["word " * 60])
    assert max(len(line) for line in plain(doc, width=80).splitlines()) <= 80
    assert ("word " * 60).strip() in plain(doc, width=None)
