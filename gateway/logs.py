"""Logs as one JSON object a line: time, level, logger, message, and the mapping that the call gave beside it.

``log.info("decision", {"outcome": "allow"})`` becomes ``{..., "message": "decision", "outcome": "allow"}``.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import BinaryIO

import orjson

_FLUSH_SECONDS = 0.05


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for a record, without its end."""
        fields = record.args if isinstance(record.args, dict) else {}
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.msg if fields else record.getMessage(),
            **fields,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class BufferedHandler(logging.Handler):
    """Writes what came within a moment at once; a warning and anything outside of an event loop without delay."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out = out
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self._lines.append(self.format(record))
        if record.levelno >= logging.WARNING:
            self.flush()
        elif len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            if lines:
                self._out.write(("\n".join(lines) + "\n").encode())
                self._out.flush()
        finally:
            self.release()


def configure(level: str) -> None:
    """Log to standard output from ``level`` on. The libraries' own chatter begins at warning."""
    handler = BufferedHandler(sys.stdout.buffer)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("gateway", "classifiers"):
        logging.getLogger(name).setLevel(level.upper())
    # aiokafka logs an error for every failed reconnection; the gateway reports the outage once itself.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # What the format does not show need not be found out for every line (the module's documented switches).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
