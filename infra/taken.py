"""Names of an account that something has already."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from infra import aws_errors

MISSING = ("ResourceNotFoundException", "NotFoundException", "NoSuchEntity")


def tables(session: Any, names: Sequence[str]) -> Iterator[str]:
    dynamodb = session.client("dynamodb")
    return (name for name in names if is_there(dynamodb.describe_table, TableName=name))


def log_groups(session: Any, names: Sequence[str]) -> Iterator[str]:
    logs = session.client("logs")
    for prefix in sorted({re.sub(r"[^-]*$", "", name) for name in names}):
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        yield from sorted(set(groups) & set(names))


def aliases(session: Any, names: Sequence[str]) -> Iterator[str]:
    kms = session.client("kms")
    return (name for name in names if is_there(kms.describe_key, KeyId=name))


def is_there(read: Callable[..., object], **name: str) -> bool:
    try:
        read(**name)
    except ClientError as error:
        if aws_errors.code_of(error) in MISSING:
            return False
        raise
    return True
