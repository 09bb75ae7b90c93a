"""Whatever bytes a file holds: a campaign, or errors for people, and no file outside of the campaign is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mistreatment import TARGETS, WORDS, BrokenError, mistreat, prepare, watched

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import DrawFn


@st.composite
def mangled(draw: DrawFn) -> tuple[str, bytes]:
    """A target's file with a few things done to its bytes, or bytes of no sense at all."""
    name = draw(st.sampled_from(sorted(TARGETS)))
    data = draw(st.sampled_from(TARGETS[name].seeds))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = begin + draw(st.integers(0, 30))
        new = draw(st.one_of(st.sampled_from(WORDS), st.binary(max_size=6), st.just(data[begin:end] * 2)))
        data = data[:begin] + new + data[draw(st.sampled_from([begin, end])) :]
    return name, draw(st.one_of(st.just(data), st.just(data), st.binary(max_size=80)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("mistreated"))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_mistreated_is_well_to_begin_with(name: str, home: Path) -> None:
    with watched(home):
        TARGETS[name].run(home)


def test_a_file_outside_would_be_noticed(home: Path) -> None:
    with pytest.raises(BrokenError), watched(home):
        (home.parent / "secret.txt").read_text()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mangled())
def test_no_bytes_in_any_file_bring_a_traceback_or_read_what_lies_outside(
    home: Path, mangled: tuple[str, bytes]
) -> None:
    mistreat(home, *mangled)


@pytest.mark.heavy
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mangled())
def test_nor_do_many_thousand(home: Path, mangled: tuple[str, bytes]) -> None:
    mistreat(home, *mangled)
