"""turkform without its journal: what the journal costs is the difference. Never use it for anything else.

python -m benchmarks.unjournalled ARGUMENTS OF turkform
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

from turkform.cli import main
from turkform.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from turkform.entries import Intent

_numbers = itertools.count(1)


def _intend(_: Run, intents: Sequence[Intent], at: datetime) -> list[int]:  # noqa: ARG001 - as the journal's
    return list(itertools.islice(_numbers, len(intents)))


def _settle(*_: Any, **__: Any) -> None:
    return


if __name__ == "__main__":
    Run.intend, Run.settle = _intend, _settle  # type: ignore[method-assign]
    sys.exit(main())
