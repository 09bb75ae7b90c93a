"""The folder in which a campaign keeps what is not for git: journals, answers, the embedded marketplace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STATE = ".turkform"
"""Its name, inside the campaign's folder."""


def own_state(folder: Path) -> Path:
    """The campaign's `.turkform`, which ignores itself in git."""
    state = folder / STATE
    state.mkdir(exist_ok=True)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return state
