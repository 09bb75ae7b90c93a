"""Logs: one JSON object a line on standard error, for every call of the API and whatever goes wrong.

In: log records. Out: lines. They hold times, names and codes; no secrets, no signatures, no questions, no answers:
what a caller sent is never logged, and what the database was given is hidden from its errors.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

CALLS = logging.getLogger("turkform.marketplace.calls")
"""One record a call; silent unless asked for."""


def begin(*, calls: bool) -> None:
    """Log to standard error from now on, and whether every call has a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    for name in ("turkform.marketplace", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)
    CALLS.setLevel(logging.INFO if calls else logging.WARNING)


class Lines(logging.Formatter):
    """A record as a line of JSON; `fields` of a record stand beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "what": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            # Where it happened and what kind it was; an exception's own text may quote what a caller sent.
            line["error"] = record.exc_info[0].__name__
            line["at"] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(line)
