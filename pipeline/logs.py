"""Logs: JSON lines with levels and run ids in logs/, rotated, never the cause of a failure."""

import contextlib
import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pipeline.errors import InvalidSetting
from pipeline.paths import PROJECT

LOGS = PROJECT / "logs"
"""Where logs go unless another folder is named."""

FILE_NAME = "image-to-video.jsonl"
MAX_BYTES, BACKUPS = 5_000_000, 5


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, run_id, logger, message, and the traceback of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "run_id": getattr(record, "run_id", None),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class QuietRotatingFile(RotatingFileHandler):
    """A rotating log file whose own failure (a full disk, a folder that went away) never disturbs the run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line: the standard handler would print a traceback over the user's screen."""

    def close(self) -> None:
        """Close the file; what a full disk did not take is lost."""
        with contextlib.suppress(OSError):
            super().close()


def start_logging(logs: Path) -> Path:
    """Send the log of `pipeline` and `app` to a rotating file in `logs`, and return that file.

    A second call moves the log. Raises InvalidSetting when the folder cannot be written.
    """
    path = logs / FILE_NAME
    try:
        logs.mkdir(parents=True, exist_ok=True)
        handler = QuietRotatingFile(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidSetting(
            f"Logs cannot be written to {logs} ({reason}): name another folder with --logs."
        ) from error
    handler.setFormatter(JsonLines())
    for name in ("pipeline", "app"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        for old in [old for old in logger.handlers if isinstance(old, QuietRotatingFile)]:
            logger.removeHandler(old)
            old.close()
        logger.addHandler(handler)
    return path


def stop_logging() -> None:
    """Close the log files that `start_logging` opened."""
    for name in ("pipeline", "app"):
        logger = logging.getLogger(name)
        for handler in [handler for handler in logger.handlers if isinstance(handler, QuietRotatingFile)]:
            logger.removeHandler(handler)
            handler.close()


RunLogger = logging.LoggerAdapter[logging.Logger]


def run_logger(run_id: str) -> RunLogger:
    """A logger whose lines carry the run's id."""
    return logging.LoggerAdapter(logging.getLogger("pipeline.run"), {"run_id": run_id})
