"""How much was asked for in a second: one counter per access channel and second, for all containers together."""

from __future__ import annotations

from chalicelib.aws.clients import client
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys

KEPT = 3600  # seconds


class Rates:
    def take(self, name: str, second: int, wanted: int, limit: int) -> tuple[int, int]:
        granted, used = self._take(name, second, min(wanted, limit), limit)
        rest = limit - used
        if granted or rest <= 0:
            return granted, max(0, rest)
        granted, used = self._take(name, second, rest, limit)  # the last of this second's
        return granted, max(0, limit - used)

    def _take(self, name: str, second: int, wanted: int, limit: int) -> tuple[int, int]:
        """How many were granted, and how many are in use now."""
        from botocore.exceptions import ClientError

        try:
            answer = client("dynamodb").update_item(
                TableName=table("lookups"),
                Key=to_item({"pk": keys.join("rate", name, str(second))}),
                UpdateExpression="ADD used :wanted SET expires = :expires",
                ConditionExpression="attribute_not_exists(used) OR used <= :most",
                ExpressionAttributeValues=to_item({":wanted": wanted, ":most": limit - wanted, ":expires": second + KEPT}),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if "Item" not in error.response:
                raise
            return 0, int(from_item(error.response["Item"])["used"])
        return wanted, int(from_item(answer["Attributes"])["used"])
