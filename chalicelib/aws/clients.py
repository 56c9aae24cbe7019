"""One client per service and container, made when it is first used."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

ATTEMPTS = 5


@cache
def client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    # Standard retries back off with jitter; a function must not outlive its timeout waiting for an answer.
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=2,
        read_timeout=10,
        max_pool_connections=16,
    )
    if service == "s3":
        # By default signed addresses are of a version that not every region takes, and of the host of us-east-1, which redirects to a
        # bucket elsewhere that is some hours old, where the signature is wrong. Written as a path, the bucket is at its region's host.
        config = config.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    made = boto3.client(service, config=config)
    if service == "dynamodb":
        made.meta.events.register("needs-retry.dynamodb", _after_a_transaction)
    return made


def _after_a_transaction(response: Any, attempts: int, **_: Any) -> float | None:
    """Seconds until a single write is tried again that DynamoDB rejected because of a transaction on the same item: the SDK does not."""
    conflict = (
        response is not None
        and response[1].get("Error", {}).get("Code") == "TransactionConflictException"
    )
    return random.uniform(0, 0.05 * 2**attempts) if conflict and attempts < ATTEMPTS else None  # noqa: S311 - spreads retries


def error_code(error: Exception) -> str:
    """The service's own name of a ClientError; empty for any other exception."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
