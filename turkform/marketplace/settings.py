"""How a marketplace was started: its mode, its names, its fees, whom it may notify."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turkform.marketplace.origins import Origins
    from turkform.marketplace.payments import Fees


@dataclass(frozen=True, slots=True)
class Settings:
    """What does not change while a server runs.

    `token` opens control and exists in rehearsal only; `processes` are how many the server consists of.
    """

    rehearsal: bool
    origins: Origins
    fees: Fees
    notify_allow: frozenset[str] = frozenset()
    notify_keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    token: str = ""
    processes: int = 1
