"""The log of the server: one JSON object per line on standard error."""

import functools
import logging
import sys
import time
from typing import Any

from pydantic_core import to_json

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
"""Attributes that every record has; the others were given as `extra`."""


class JsonLines(logging.Formatter):
    """Formats a record as a JSON object on one line: time, level, event, and what was given as
    `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in PLAIN}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return to_json(line, fallback=str, inf_nan_mode="strings").decode()


@functools.lru_cache(1)
def _second(seconds: int) -> str:
    """Return a second since 1970 as a date and a time. The result is cached for the requests of
    the same second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def log_as_json(level: int = logging.INFO) -> None:
    """Write the log of this process as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("whyformer").setLevel(level)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
