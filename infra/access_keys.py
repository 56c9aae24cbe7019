"""Make access keys of administrators. Only the hash of a secret is stored."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from chalicelib import config

ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class AccessKey:
    access_key: str
    access_secret: str = field(repr=False)


def first_access_key(session: Any, stage: str) -> AccessKey | None:
    """Make an administrator's access key if the stage lacks one. Its secret is returned once."""
    dynamodb = session.client("dynamodb")
    table = config.table_name(stage, "settings")
    present = {
        "FilterExpression": "begins_with(pk, :key)",
        "ExpressionAttributeValues": {":key": {"S": "access-key#"}},
    }
    for page in dynamodb.get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True, ProjectionExpression="pk", **present
    ):
        if page["Items"]:
            return None
    return new_access_key(session, stage)


def new_access_key(session: Any, stage: str) -> AccessKey:
    key = AccessKey(secrets.token_hex(12), secrets.token_hex(16))
    item = {
        "pk": {"S": f"access-key#{key.access_key}"},
        "sk": {"S": "-"},
        "secret_hash": {"S": hashlib.sha256(key.access_secret.encode()).hexdigest()},
        "role": {"S": ADMINISTRATOR},
        "created": {"N": str(int(time.time()))},
    }
    session.client("dynamodb").put_item(TableName=config.table_name(stage, "settings"), Item=item)
    return key
