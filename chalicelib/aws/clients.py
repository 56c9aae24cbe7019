"""One client per service and container, made at its first use."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

ATTEMPTS = 5


@cache
def client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    # Standard retries back off with jitter.
    # The timeouts keep a function from outliving its own while it waits for an answer.
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=2,
        read_timeout=10,
        max_pool_connections=16,
    )
    if service == "s3":
        # The default signature version of signed addresses is not accepted in every region.
        # The default host is that of us-east-1. It redirects to a bucket in another region
        # while the bucket is some hours old, and the signature is wrong there.
        # With the bucket in the path, the host is that of its region.
        config = config.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    new_client = boto3.client(service, config=config)
    if service == "dynamodb":
        new_client.meta.events.register("needs-retry.dynamodb", _after_a_transaction)
    return new_client


def _after_a_transaction(response: Any, attempts: int, **_: Any) -> float | None:
    """Return the seconds to a retry of a single write that met a transaction on the same item.

    DynamoDB rejects such a write, and the SDK does not retry it.
    """
    code = response[1].get("Error", {}).get("Code") if response is not None else None
    if code != "TransactionConflictException" or attempts >= ATTEMPTS:
        return None
    return random.uniform(0, 0.05 * 2**attempts)  # noqa: S311 - spreads retries


# Codes of services that did not do a request now, and may do the next one.
_BUSY = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "KMSInternalException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


def is_busy(error: Exception) -> bool:
    """Tell if AWS throttled, or did not answer: a repeat may succeed.

    Never means that something does not exist.
    """
    if error_code(error) in _BUSY:
        return True
    from botocore.exceptions import ConnectionError, HTTPClientError

    return isinstance(error, (ConnectionError, HTTPClientError))


def error_code(error: Exception) -> str:
    """Return the service's code of a ClientError, or an empty text for another exception."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
