"""Names, and every environment variable, in one place.

Names of tables, queues and functions are made here and nowhere else. `infra/template/` uses these
functions too, so that code and deployment cannot disagree.
"""

from __future__ import annotations

import os
from functools import cache

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.values import frozen

APP = "openums"
RECEIPTS = "receipts"  # the function of receipts, which is an option

# Channel types with providers. CHANNEL_TYPES in .chalice/config.json lists those of a stage.
SUPPORTED_CHANNEL_TYPES = tuple(ChannelType)

TABLES = ("settings", "users", "audiences", "messages", "ledger", "lookups", "due", "callbacks")


def table_name(stage: str, table: str) -> str:
    return f"{APP}-{stage}-{table}"


def queue_name(stage: str, queue: str) -> str:
    return f"{APP}-{stage}-{queue}"


def chunks_queue(priority: Priority) -> str:
    """Name a queue of jobs on chunks (plan, check, recount, withdraw), such as `chunks-1`."""
    return f"chunks-{priority.value}"


def delivery_queue(channel_type: ChannelType, priority: Priority) -> str:
    """Name the queue of the jobs of one channel type and priority: `sms-1`, `alipay_life-3`."""
    return f"{channel_type.value}-{priority.value}"


def imports_queue() -> str:
    return "imports"


def facts_queue() -> str:
    return "facts"


def callbacks_queue() -> str:
    return "callbacks"


def worker_queue(worker: str, priority: Priority) -> str:
    """Name the queue of a worker (`Capabilities.worker`) and a priority, such as `cmpp-1`."""
    return f"{worker}-{priority.value}"


def deliver_function(channel_type: ChannelType) -> str:
    return f"deliver_{channel_type.value}"


def function_name(stage: str, function: str) -> str:
    return f"{APP}-{stage}-{function}"


def api_name(stage: str) -> str:
    return f"{APP}-{stage}"


def dead_letter_queue(family: str) -> str:
    """Name the queue of jobs of `chunks` or of a channel type that failed too often."""
    return f"{family}-dead"


def clock_name(stage: str) -> str:
    return f"{APP}-{stage}-clock"


def schedule_group(stage: str) -> str:
    """Name the group of the wake-ups of schedules in EventBridge Scheduler."""
    return f"{APP}-{stage}"


def in_lambda(environ: dict[str, str] | os._Environ[str] = os.environ) -> bool:
    """Tell if Lambda runs the code. Packaging and tests import it elsewhere."""
    return "AWS_LAMBDA_FUNCTION_NAME" in environ


def is_receipts_function(environ: dict[str, str] | os._Environ[str] = os.environ) -> bool:
    """Tell if this is the function that takes receipts only, where `ReceiptsUrl` is on."""
    return environ.get("AWS_LAMBDA_FUNCTION_NAME", "").endswith(f"-{RECEIPTS}")


def log_sources(environ: dict[str, str] | os._Environ[str] = os.environ) -> str:
    """Return how log lines show the address of a caller: network, address or none."""
    return environ.get("LOG_SOURCES", "network")


@frozen
class Settings:
    """The environment of a function. Times are seconds."""

    stage: str
    channel_types: tuple[ChannelType, ...]
    workers: tuple[str, ...]  # the long-lived workers that run beside the functions
    public_url: str  # where links and webhooks are reached, without a trailing slash
    receipts_url: str  # where providers post receipts, without a trailing slash
    queue_url_prefix: str  # https://sqs.<region>.amazonaws.com/<account>/
    clock_arn: str
    wakeups_arn: str  # of the function that EventBridge Scheduler calls, empty where none is
    wakeups_role: str  # in which it calls
    files_bucket: str
    facts_bucket: str  # of fact files, empty where they are off
    kms_key: str
    egress_allow: tuple[str, ...]  # private hosts and networks that the egress policy lets through
    sandbox_url: str  # of the provider sandbox, empty where the deployment sends to real providers
    clock_width: int  # one Step Functions execution serves all that is due within this time
    lease: int  # for which a claimed call belongs to its worker: the delivery functions' timeout
    provider_timeout: float  # of one HTTP or SMTP exchange
    concurrency: tuple[int, ...]  # jobs at once of a channel type, by priority
    submit_within: int  # from the dispatch of a call to its expiry
    # for which a changed chunk waits for its recount, from young messages to old ones
    recount_delays: tuple[int, ...]
    history_days: int
    request_rate: int  # requests of an access channel in a second
    utc_offset: float  # hours by which the deployment's day is ahead of UTC's
    currency: str  # of prices and costs
    mails_by_role: bool  # whether mails may be sent by the function's own role
    settings_cache: int  # the age limit of a cached setting, hence the delay of a revoked key


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def read_settings(environ: dict[str, str] | os._Environ[str] = os.environ) -> Settings:
    """Read the environment. Raise KeyError with the name of a missing variable."""
    return Settings(
        stage=environ["STAGE"],
        channel_types=tuple(ChannelType(t) for t in environ["CHANNEL_TYPES"].split(",") if t),
        workers=_listed(environ.get("WORKERS", "")),
        public_url=environ["PUBLIC_URL"].rstrip("/"),
        receipts_url=(environ.get("RECEIPTS_URL") or environ["PUBLIC_URL"]).rstrip("/"),
        queue_url_prefix=environ["QUEUE_URL_PREFIX"],
        clock_arn=environ["CLOCK_ARN"],
        wakeups_arn=environ.get("WAKEUPS_ARN", ""),
        wakeups_role=environ.get("WAKEUPS_ROLE", ""),
        files_bucket=environ["FILES_BUCKET"],
        facts_bucket=environ.get("FACTS_BUCKET", ""),
        kms_key=environ["KMS_KEY"],
        egress_allow=_listed(environ.get("EGRESS_ALLOW", "")),
        sandbox_url=environ.get("SANDBOX_URL", "").rstrip("/"),
        clock_width=int(environ.get("CLOCK_WIDTH", "60")),
        lease=int(environ.get("LEASE", "60")),
        provider_timeout=float(environ.get("PROVIDER_TIMEOUT", "10")),
        concurrency=_numbers(environ.get("CONCURRENCY", "40,20,10")),
        submit_within=int(environ.get("SUBMIT_WITHIN", "86400")),
        recount_delays=_numbers(environ.get("RECOUNT_DELAYS", "10,60,300,3600,86400")),
        request_rate=int(environ.get("REQUEST_RATE", "500")),
        history_days=int(environ.get("HISTORY_DAYS", "7")),
        utc_offset=float(environ.get("UTC_OFFSET", "8")),
        currency=environ.get("CURRENCY", "CNY"),
        mails_by_role=environ.get("MAILS_BY_ROLE", "") == "on",
        settings_cache=int(environ.get("SETTINGS_CACHE", "10")),
    )


@cache
def settings() -> Settings:
    return read_settings()
