"""JSON lines on standard error. No line carries text of a message."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final

import orjson

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, what ``extra`` adds, and where an error came from.

    An exception is told by its type and places in the code; its own text may quote a message and stays out.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line for this record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in _OWN})
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line["error"] = type(error).__name__
            line["places"] = _places(error)
        return orjson.dumps(line, default=str).decode()


def configure(level: str) -> None:
    """Sends all logs of this process through `JsonFormatter`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else it writes a line for each request of `remote`
    # It writes a line for every try to connect, some dozens a second: an outage is reported once, by `outages`. What is
    # wrong beside that reaches the worker as an error. At DEBUG it would show records.
    logging.getLogger("aiokafka").setLevel(logging.INFO if level == "DEBUG" else logging.CRITICAL)


def _places(error: BaseException) -> list[str]:
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-8:]
