"""Counters of what is used within a window: one per name, shared by all containers."""

from __future__ import annotations

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import table
from chalicelib.ports import Taken


class Counters:
    def take(self, name: str, wanted: int, most: int, expires: int) -> Taken:
        from botocore.exceptions import ClientError

        fits = "attribute_not_exists(used) OR used <= :room"

        try:
            answer = client("dynamodb").update_item(
                TableName=table("lookups"),
                Key=to_item({"pk": name}),
                UpdateExpression="ADD used :wanted SET expires = :expires",
                # More than the window holds never fits: no count is below a negative room.
                ConditionExpression=fits if wanted <= most else "used < :room",
                ExpressionAttributeValues=to_item(
                    {":wanted": wanted, ":room": most - wanted, ":expires": expires}
                ),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            used = from_item(error.response.get("Item", {})).get("used", 0)
            return Taken(False, max(0, most - int(used)))
        return Taken(True, max(0, most - int(from_item(answer["Attributes"])["used"])))

    def give_back(self, name: str, number: int) -> None:
        from botocore.exceptions import ClientError

        try:
            client("dynamodb").update_item(
                TableName=table("lookups"),
                Key=to_item({"pk": name}),
                UpdateExpression="ADD used :less",
                ConditionExpression="used >= :number",
                ExpressionAttributeValues=to_item({":less": -number, ":number": number}),
            )
        except ClientError as error:
            # The condition fails when the window has long ended.
            if error_code(error) != "ConditionalCheckFailedException":
                raise

    def used(self, name: str) -> int:
        answer = client("dynamodb").get_item(
            TableName=table("lookups"), Key=to_item({"pk": name}), ConsistentRead=True
        )
        return int(from_item(answer.get("Item", {})).get("used", 0))
