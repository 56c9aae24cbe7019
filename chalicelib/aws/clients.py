"""One client per service and container, made at its first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from chalicelib.aws import retries

ATTEMPTS = 5
# Their parameters are the body of a POST, which AWS checks. Most requests of a function are theirs.
BY_BODY = ("dynamodb", "sqs")


@cache
def client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    # The SDK makes one attempt, and `_repeats` decides on others.
    # The timeouts keep a function from outliving its own while it waits for an answer.
    # The SDK would build its long name anew for each request, and check parameters that AWS
    # checks again. Where parameters become an address, as in S3, an empty one would name
    # something else, so they are checked.
    config = Config(
        user_agent=f"OpenUMS app/{os.environ.get('AWS_SDK_UA_APP_ID', 'openums')}",
        parameter_validation=service not in BY_BODY,
        retries={"mode": "standard", "total_max_attempts": 1},
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
    new_client.meta.events.register("request-created", retries.begin)
    new_client.meta.events.register("needs-retry", _repeats())
    if service in BY_BODY:
        _shorten(new_client)
    return new_client


def _shorten(new_client: Any) -> None:
    from chalicelib.aws import endpoint  # with the SDK's, which costs time to import

    endpoint.shorten(new_client)


def _repeats() -> Callable[..., float | None]:
    """Return the handler that decides if a failed attempt is repeated, and after how long.

    What may succeed later is what the SDK's standard mode says, with the same number of attempts.
    DynamoDB also rejects a single write that meets a transaction on its item.
    """
    from botocore.retries.standard import RetryEventAdapter, StandardRetryConditions

    adapter, conditions = RetryEventAdapter(), StandardRetryConditions(max_attempts=ATTEMPTS)

    def seconds(**event: Any) -> float | None:
        if _is_success(event["response"]):
            return None
        context, failures = adapter.create_retry_context(**event), int(event["attempts"])
        code = context.get_error_code() if event["response"] is not None else None
        if code == "TransactionConflictException":
            longest = 0.05 * 2**failures
            return retries.pause(failures, longest) if failures < ATTEMPTS else None
        if not conditions.is_retryable(context):
            return None
        return retries.pause(failures, min(2 ** (failures - 1), 20))

    return seconds


def _is_success(response: Any) -> bool:
    """Tell if an attempt succeeded. S3 may answer an error with status 200."""
    return response is not None and response[0].status_code < 300 and "Error" not in response[1]


class Busy(Exception):
    """AWS did not do all of a request, and a repeat may succeed."""


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
    if isinstance(error, Busy) or error_code(error) in _BUSY or _status(error) >= 500:
        return True
    from botocore.exceptions import ConnectionError, HTTPClientError

    return isinstance(error, (ConnectionError, HTTPClientError))


def error_code(error: Exception) -> str:
    """Return the service's code of a ClientError, or an empty text for another exception."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _status(error: Exception) -> int:
    """Return the HTTP status of a ClientError, or 0 for another exception."""
    response = getattr(error, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
