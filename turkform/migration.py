"""Files of other tools to a campaign: what `init --from` reads.

In: an amti definition folder, a page with its CSV, as Turkle and the requester website take them, or a batch
CSV of that website. Out: a `Carried`, read by whichever module knows the tool.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from turkform import amti, requester_site
from turkform.errors import TurkformError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turkform.carried import Carried


def migrate(paths: Sequence[Path], name: str) -> Carried:
    """Read another tool's files, whichever it is, as a campaign of that name.

    Raises:
        TurkformError: they are none of what is known, or cannot be read.
    """
    if missing := next((path for path in paths if not path.exists()), None):
        raise TurkformError(f"{missing} does not exist")
    folder = next((path for path in paths if path.is_dir()), None)
    others = [path for path in paths if path is not folder]
    if folder is not None and amti.definition(folder) is not None and len(others) <= 1:
        return amti.read(folder, next(iter(others), None), name)
    files = others if folder is None else [*requester_site.in_folder(folder), *others]
    found = requester_site.read(files, name) if files and all(map(Path.is_file, files)) else None
    if found is None:
        raise TurkformError(
            f"{', '.join(map(str, paths))}: no files that --from knows",
            "It reads an amti definition folder (with hittypeproperties.json); a page *.html and its *.csv, as Turkle "
            "and the requester website take them; or the website's batch CSV (with HITId and Input. columns).",
        )
    return found
