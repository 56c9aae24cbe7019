"""Access tokens of providers, sealed. The holder of an item's lease fetches the next token."""

from __future__ import annotations

import json
import time

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.provider_io import Token
from chalicelib.ports import Clock, Vault

# Seconds. The owner looks after a token that never expires, so TTL may delete it so late.
LONGEST = 400 * 86400


class Tokens:
    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault, self._clock = vault, clock

    def read(self, name: str) -> Token | None:
        answer = client("dynamodb").get_item(
            TableName=table("lookups"), Key=_key(name), ConsistentRead=True
        )
        row = from_item(answer.get("Item", {}))
        if "token" not in row:
            return None
        value, expires, renew = json.loads(self._vault.open(row["token"], _context(name)))
        return Token(value, expires, renew) if self._clock.now() < expires else None

    def write(self, name: str, token: Token) -> None:
        plain = json.dumps([token.value, token.expires, token.renew]).encode()
        sealed = self._vault.seal(plain, _context(name))
        expires = min(token.expires // 1000, int(time.time()) + LONGEST)
        client("dynamodb").put_item(
            TableName=table("lookups"),
            Item={**_key(name), **to_item({"token": sealed, "expires": expires})},
        )

    def lease(self, name: str, seconds: int) -> bool:
        now = self._clock.now()
        return _update(
            name,
            "SET lease = :until, expires = if_not_exists(expires, :gone)",
            "attribute_not_exists(lease) OR lease <= :now",
            {":until": now + seconds * 1000, ":now": now, ":gone": now // 1000 + 86400},
        )

    def give_back(self, name: str, seconds: int) -> None:
        """Shorten the lease. A token that was written meanwhile has ended it."""
        _update(
            name,
            "SET lease = :until",
            "attribute_exists(lease)",
            {":until": self._clock.now() + seconds * 1000},
        )


def _update(name: str, expression: str, condition: str, values: dict[str, int]) -> bool:
    """Update the item of a token. Return False if the condition did not hold."""
    from botocore.exceptions import ClientError

    try:
        client("dynamodb").update_item(
            TableName=table("lookups"),
            Key=_key(name),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _key(name: str) -> dict[str, dict[str, str]]:
    key: dict[str, dict[str, str]] = to_item({"pk": keys.join("token", name)})
    return key


def _context(name: str) -> str:
    return f"token#{name}"
