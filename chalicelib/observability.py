"""Logs, metrics and traces: events with fields as JSON lines, metrics in CloudWatch's embedded format, X-Ray where it is on.

Every step logs through `logging.getLogger("openums")` with `extra`; nothing is configured until an entrypoint calls `set_up`.
Contacts, contents and secrets never get into a line: fields with such names are masked, and of an exception only its type, its
place and, where its message is our own or AWS's, its message are written.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Any, TextIO, TypeAlias

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from chalicelib.config import APP
from chalicelib.domain.errors import OpenUMSError

log = logging.getLogger(APP)

NAMESPACE = "OpenUMS"
MASK = "***"
_SECRET = re.compile(
    r"^(phone|mobile|e?mail|recipients?|contacts?|contents?|template_para|temp_para|credentials?|authorization|body|token|url|address)$"
    r"|secret|password|plain|sealed",
    re.IGNORECASE,
)
_QUIET = {"urllib3": logging.ERROR, "botocore": logging.WARNING, "aws_xray_sdk": logging.CRITICAL}

_ExcInfo: TypeAlias = (
    "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"
)


class _Stdout(logging.StreamHandler[TextIO]):
    """Standard output as it is now, not as it was at import."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


class _Formatter(LambdaPowertoolsFormatter):
    """JSON without what must not be read."""

    def serialize(self, log: Any) -> str:
        return super().serialize(mask(log))

    def formatException(self, ei: _ExcInfo) -> str:
        return describe(ei[1]) if ei[1] is not None else ""


def mask(value: Any) -> Any:
    """The same with the values of telling names replaced, at any depth."""
    if isinstance(value, Mapping):
        return {
            k: MASK if isinstance(k, str) and _SECRET.search(k) and v else mask(v)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(v) for v in value]
    return value


def describe(error: BaseException) -> str:
    """Type and place of an exception and of those behind it. Only messages that cannot quote a contact are kept."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        parts.append(_describe(current))
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return " < ".join(parts)


def _describe(error: BaseException) -> str:
    kind = type(error)
    ours_or_aws = isinstance(error, OpenUMSError) or hasattr(
        error, "operation_name"
    )  # botocore's ClientError
    message = f": {str(error)[:300]}" if ours_or_aws else ""
    return f"{kind.__module__}.{kind.__qualname__}{message} at {' > '.join(_frames(error.__traceback__)[-6:])}"


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno}:{code.co_name}")
        traceback = traceback.tb_next
    return frames


@cache
def set_up() -> Logger:
    """Once per container: JSON lines for our loggers and the providers', and tracing of AWS calls where tracing is on."""
    # Frames with their source lines, and an exception's value, are left out: `describe` says what may be said.
    formatter = _Formatter(serialize_stacktrace=False, use_rfc3339=True, utc=True)
    logger = Logger(
        service=APP, level="INFO", logger_handler=_Stdout(sys.stdout), logger_formatter=formatter
    )
    log.propagate = False
    for name in ("chalicelib",):
        other = logging.getLogger(name)
        other.handlers, other.propagate = [logger.logger_handler], False
        other.setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    if tracing_is_on():
        _trace_aws_calls()
    return logger


def tracing_is_on() -> bool:
    """In Lambda, which names the daemon's address; AWS_XRAY_SDK_ENABLED=false turns the SDK off.

    Elsewhere the SDK would make a client of X-Ray's API when it is imported, to ask for sampling rules.
    """
    in_lambda = bool(
        os.environ.get("LAMBDA_TASK_ROOT") and os.environ.get("AWS_XRAY_DAEMON_ADDRESS")
    )
    return in_lambda and os.environ.get("AWS_XRAY_SDK_ENABLED", "true").lower() != "false"


def _trace_aws_calls() -> None:
    from aws_xray_sdk.core import patch, xray_recorder

    xray_recorder.configure(context_missing="IGNORE_ERROR", service=APP)
    patch(("botocore",))  # not patch_all: it imports whatever it knows


@contextmanager
def unit_of_work(**fields: Any) -> Iterator[None]:
    """Bind fields to every line of one request, job or batch, and write its metrics at the end."""
    logger = set_up()
    logger.append_keys(**fields)
    try:
        yield
    finally:
        logger.remove_keys(list(fields))
        flush_metrics()


def event(name: str, **fields: Any) -> None:
    """Something happened: its name, and what it happened to."""
    log.info(name, extra=fields)


_metrics: dict[str, float] = {}


def metric(name: str, value: float = 1) -> None:
    """Add to a metric of this unit of work; written in CloudWatch's embedded metric format when it ends, for each stage apart."""
    _metrics[name] = _metrics.get(name, 0) + value


def flush_metrics() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
    if not _metrics:
        return
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [["stage"]],
        "Metrics": [{"Name": name} for name in _metrics],
    }
    stage = os.environ.get("STAGE", "-")
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]},
        "stage": stage,
        **_metrics,
    }
    _metrics.clear()
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
