"""Logs, metrics and traces: JSON lines, CloudWatch's embedded metric format, and X-Ray if it is on.

Every step logs events through `log` with `extra`. Nothing is configured until an entrypoint calls
`set_up`. Contacts, contents and secrets never get into a line. Fields with such names are masked.
Of an exception, only its type and place are written. Its message is added if it is our own or
AWS's.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from types import TracebackType
from typing import Any, TextIO

from chalicelib.config import APP, log_sources
from chalicelib.domain.errors import OpenUMSError

log = logging.getLogger(APP)

NAMESPACE = "OpenUMS"
MASK = "***"
_SECRET = re.compile(
    r"^(phone|mobile|e?mail|recipients?|contacts?|contents?|template_para|temp_para|credentials?"
    r"|authorization|body|token|url|address)$"
    r"|secret|password|plain|sealed",
    re.IGNORECASE,
)
_QUIET = {"urllib3": logging.ERROR, "botocore": logging.WARNING, "aws_xray_sdk": logging.CRITICAL}

# What every record has. Everything else in a record is a field of its event.
_OF_RECORDS = {*vars(logging.makeLogRecord({})), "message", "asctime"}

# What a line below a warning leaves out, unless its event names it. Its name says the place, and
# the access log has the rest of its request. Logs are a twentieth of what a send costs.
_OF_TROUBLE = {"location", "service", "route", "source"}

_bound: dict[str, Any] = {}  # fields of every line, until they are unbound
_noted: dict[str, Any] = {}  # fields of the line that ends the unit of work


class _Stdout(logging.StreamHandler[TextIO]):
    """Standard output as it is now, not as it was at import."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


class _Formatter(logging.Formatter):
    """JSON lines without contacts, contents and secrets."""

    def format(self, record: logging.LogRecord) -> str:
        standard, bound = _standard(record), _bound
        if record.levelno < logging.WARNING:
            standard, bound = _without_trouble(standard), _without_trouble(bound)
        fields = {k: v for k, v in vars(record).items() if k not in _OF_RECORDS}
        line = {**standard, **bound, **fields, **standard}
        written = {k: v for k, v in mask(line).items() if v is not None}
        return json.dumps(written, default=str, separators=(",", ":"), ensure_ascii=False)


def _without_trouble(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _OF_TROUBLE}


def _standard(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields that every line has, or that every error has."""
    time_of_record = datetime.fromtimestamp(record.created, UTC)
    error = record.exc_info[1] if record.exc_info else None
    # Lambda sets an id for each invocation, also for one that nobody traces.
    trace = os.environ.get("_X_AMZN_TRACE_ID", "") if tracing_is_on() else ""
    return {
        "level": record.levelname,
        "location": f"{record.funcName}:{record.lineno}",
        "message": record.getMessage(),
        "timestamp": time_of_record.isoformat(timespec="milliseconds"),
        "service": APP,
        "exception": describe(error) if error else None,
        "exception_name": type(error).__name__ if error else None,
        "xray_trace_id": trace.partition(";")[0].removeprefix("Root=") or None,
    }


@lru_cache(maxsize=1000)
def _is_sensitive(name: object) -> bool:
    return isinstance(name, str) and _SECRET.search(name) is not None


def mask(value: Any) -> Any:
    """Replace the values of fields with sensitive names, at any depth."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {k: MASK if _is_sensitive(k) and v else mask(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(v) for v in value]
    return value


def describe(error: BaseException) -> str:
    """Describe an exception and its causes by type and place.

    Only messages that cannot quote a contact are kept.
    """
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
    is_from_aws = hasattr(error, "operation_name")  # botocore's ClientError
    is_harmless = is_from_aws or isinstance(error, OpenUMSError)
    message = f": {str(error)[:300]}" if is_harmless else ""
    place = " > ".join(_frames(error.__traceback__)[-6:])
    return f"{kind.__module__}.{kind.__qualname__}{message} at {place}"


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno}:{code.co_name}")
        traceback = traceback.tb_next
    return frames


@cache
def set_up() -> None:
    """Configure logs and tracing, once per container.

    Our loggers and the providers' write JSON lines. AWS calls are traced if tracing is on.
    """
    handler = _Stdout(sys.stdout)
    handler.setFormatter(_Formatter())
    for name in (APP, "chalicelib"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    if tracing_is_on():
        _trace_aws_calls()


def bind(**fields: Any) -> None:
    """Add fields to every line of this process."""
    _bound.update(fields)


def bound(*names: str) -> dict[str, Any]:
    """Return fields that are bound now, for an event that shows them at any level."""
    return {name: _bound[name] for name in names if name in _bound}


def note(**fields: Any) -> None:
    """Add fields to the line that ends the unit of work, so that a request has one line."""
    _noted.update(fields)


def noted() -> Mapping[str, Any]:
    """Return the fields that were noted in the unit of work."""
    return dict(_noted)


def tracing_is_on() -> bool:
    """Return whether to trace: in Lambda, unless AWS_XRAY_SDK_ENABLED=false turns the SDK off.

    Lambda names the daemon's address. Elsewhere, the SDK would create a client of X-Ray's API when
    it is imported, to fetch sampling rules.
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
    set_up()
    bind(**fields)
    try:
        yield
    finally:
        for name in fields:
            _bound.pop(name, None)
        _noted.clear()
        flush_metrics()


def event(name: str, **fields: Any) -> None:
    """Log an event by its name and the things that it concerns."""
    log.info(name, extra=fields)


REFUSED = "access_refused"  # the metric of all security events


def security(name: str, **fields: Any) -> None:
    """Log a security event, and count it. Fields name no secret, and of a key only its begin."""
    log.warning(name, extra=fields)
    metric("access_refused")


def shown_source(address: str) -> str:
    """Return an address as log lines may show it: its network, unless LOG_SOURCES says otherwise.

    An address is personal data in many places.
    """
    shown = log_sources()
    if shown != "network" or not address:
        return address if shown == "address" else ""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


MAX_VALUES = 100  # of one metric in a line, by the specification below

Group = tuple[tuple[str, str], ...]  # a name and a value of each further dimension

_metrics: dict[str, float] = {}
_measured: dict[Group, dict[str, list[float]]] = {}


def metric(name: str, value: float = 1) -> None:
    """Add to a metric of the current unit of work, which `flush_metrics` writes at its end."""
    _metrics[name] = _metrics.get(name, 0) + value


def measure(name: str, value: float, **dimensions: str) -> None:
    """Note a value of a metric whose percentiles matter, by further dimensions."""
    group = _measured.setdefault(tuple(sorted(dimensions.items())), {})
    values = group.setdefault(name, [])
    if len(values) < MAX_VALUES:
        values.append(round(value, 3))


def flush_metrics() -> None:
    """Write the metrics of the current unit of work, and forget them.

    They are in CloudWatch's embedded metric format, by stage.
    """
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
    # CloudWatch_Embedded_Metric_Format_Specification.html
    if _metrics:
        _write_metrics((), _metrics)
    for group, measured in _measured.items():
        _write_metrics(group, measured)
    _metrics.clear()
    _measured.clear()


def _write_metrics(group: Group, metrics: Mapping[str, float | list[float]]) -> None:
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [["stage", *(name for name, _ in group)]],
        "Metrics": [{"Name": name} for name in metrics],
    }
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]},
        "stage": os.environ.get("STAGE", "-"),
        **dict(group),
        **metrics,
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
