"""Every measure of turkform beside its reference, in one run, as a table.

    python -m benchmarks [NAME…]

The endpoint is in another process; a reference is a process of its own. Figures are for the machine they
were taken on, the ratios travel better.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import collected, crowd, marketplace, plans, publish, startup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.measure import Row

MEASURES: dict[str, Callable[[Path], Iterator[Row]]] = {
    "startup": startup.validate,
    "publish": publish.against_boto3,
    "journal": publish.journal,
    "limit": publish.under_a_limit,
    "plan": plans.against_a_listing,
    "million": plans.of_a_million,
    "collected": collected.written,
    "marketplace": marketplace.making,
    "pages": marketplace.paging,
    "crowd": crowd.at_once,
}


def main(names: list[str]) -> None:
    """Run what is named, or everything."""
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise SystemExit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    print("| What | turkform | Reference | Ratio | Reach |\n| --- | --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="turkform-bench-") as folder:
        for name in names or MEASURES:
            for row in MEASURES[name](Path(folder)):
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
