"""How long a command takes that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import PYTHON, TURKFORM, Row, best

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICKSTART = Path(__file__).parents[1] / "campaigns" / "quickstart"


def validate(_: Path) -> Iterator[Row]:
    """Check the quickstart's files, beside a Python that only imports boto3."""
    theirs, ours = best(10, PYTHON, "-c", "import boto3"), best(10, TURKFORM, "-C", str(_QUICKSTART), "validate")
    yield Row(
        "`turkform validate campaigns/quickstart`",
        f"{ours.wall * 1000:.0f} ms; {ours.cpu * 1000:.0f} ms CPU",
        f'`python -c "import boto3"`: {theirs.wall * 1000:.0f} ms; {theirs.cpu * 1000:.0f} ms CPU',
        f"{ours.wall / theirs.wall:.2f} x (CPU {ours.cpu / theirs.cpu:.2f} x)",
        "≤ 0.8 x",
    )
