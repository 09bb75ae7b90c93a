"""What a person says beside the files, asked one resource, item and worker at a time."""

from __future__ import annotations

from typing import Any

import pytest

from turkform.choices import ALL, NONE, Choices, Keys
from turkform.kinds.resource import Address

PILOT, MAIN = Address("batch", "pilot"), Address("batch", "main")


def chosen(address: Address, *needed: Address, **said: set[Address]) -> Keys:
    choices: Any = {name: frozenset(addresses) for name, addresses in said.items()}
    return Choices(**choices).chosen(address, frozenset(needed))


def test_without_a_word_everything_is_chosen() -> None:
    keys = chosen(PILOT)
    assert keys
    assert "a" in keys


def test_a_target_leaves_out_everything_else() -> None:
    assert not chosen(MAIN, target={PILOT})
    assert "a" in chosen(PILOT, target={PILOT})


def test_a_target_of_one_item_is_that_item() -> None:
    keys = chosen(PILOT, target={PILOT.item("a")})
    assert ("a" in keys, "b" in keys, bool(keys)) == (True, False, True)


def test_what_a_target_needs_comes_with_it() -> None:
    trained = Address("qualification_type", "trained")
    assert chosen(trained, trained, target={PILOT})
    assert not chosen(trained, target={PILOT})


@pytest.mark.parametrize("target", [set(), {PILOT}, {PILOT.item("a")}], ids=["all", "whole", "item"])
def test_what_is_excluded_is_out_whatever_else_is_said(target: set[Address]) -> None:
    assert not chosen(PILOT, PILOT, target=target, exclude={PILOT})
    assert "a" not in chosen(PILOT, target=target, exclude={PILOT.item("a")})


def test_keys_are_found_as_markers_hold_them() -> None:
    keys = Keys(keys=frozenset({"plain", "with a blank"}), besides=frozenset({"other one"})).stored()
    assert "plain" in keys
    assert "with a blank" not in keys
    assert len([key for key in keys.keys if key.startswith("~")]) == 1
    assert len([key for key in keys.besides if key.startswith("~")]) == 1
    assert not Keys(keys=frozenset({"a"})).stored().whole


def test_all_and_none_are_what_they_say() -> None:
    assert ALL
    assert "anything" in ALL
    assert not NONE
    assert "anything" not in NONE


def test_a_guard_is_lifted_where_it_is_said_and_nowhere_else() -> None:
    choices = Choices(reopen=frozenset({PILOT, MAIN.item("a")}))
    assert "x" in choices.keys("reopen", PILOT)
    assert "a" in choices.keys("reopen", MAIN)
    assert "x" not in choices.keys("reopen", MAIN)
    assert not choices.keys("touch", PILOT)


def test_every_choice_that_takes_addresses_is_told() -> None:
    said = dict(Choices(exclude=frozenset({PILOT})).said())
    assert said.pop("exclude") == {PILOT}
    assert set(said) == {"reopen", "allow_destroy", "allow_rekey", "touch", "discard_answers", "target"}
    assert not any(said.values())
