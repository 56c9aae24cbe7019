"""Consents: an item per contact, access channel and purpose, under the HMAC of the contact."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import Values, get_many, to_item, write_many
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import contacts as spelling
from chalicelib.domain import keys
from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.ports import Vault


class Consents:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def agreed(
        self, channel_key: str, purpose: str, named: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, frozenset[str]]:
        sk = keys.join(channel_key, purpose)
        by_pk: dict[str, list[tuple[ChannelType, str]]] = {}
        for kind, of_kind in named.items():
            for contact in of_kind:
                by_pk.setdefault(self._pk(kind, contact), []).append((kind, contact))
        rows = get_many(table("audiences"), ({"pk": pk, "sk": sk} for pk in by_pk), consistent=True)
        given = [pair for row in rows if row["given"] for pair in by_pk[row["pk"]]]
        return {kind: frozenset(c for k, c in given if k is kind) for kind in named}

    def put(
        self, kind: ChannelType, contact: str, channel_key: str, purpose: str, consent: Consent
    ) -> bool:
        from botocore.exceptions import ClientError

        values: Values = {
            "pk": self._pk(kind, contact),
            "sk": keys.join(channel_key, purpose),
            "given": consent.given,
            "time": consent.time,
            "source": consent.source,
            "text_version": consent.text_version,
        }
        try:
            client("dynamodb").put_item(
                TableName=table("audiences"),
                Item=to_item(values),
                ConditionExpression="attribute_not_exists(pk) OR #time <= :time",
                ExpressionAttributeNames={"#time": "time"},
                ExpressionAttributeValues=to_item({":time": consent.time}),
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def of(self, kind: ChannelType, contact: str) -> Mapping[tuple[str, str], Consent]:
        return {
            _scope(row["sk"]): Consent(
                bool(row["given"]), row["time"], row["source"], row["text_version"]
            )
            for row in self._rows(kind, contact)
        }

    def delete(self, kind: ChannelType, contact: str) -> None:
        rows = [to_item({"pk": row["pk"], "sk": row["sk"]}) for row in self._rows(kind, contact)]
        write_many(table("audiences"), [], rows, key=("pk", "sk"))

    def _rows(self, kind: ChannelType, contact: str) -> list[dict[str, Any]]:
        values = {":pk": self._pk(kind, contact)}
        return list(query("audiences", "pk = :pk", values, ConsistentRead=True))

    def _pk(self, kind: ChannelType, contact: str) -> str:
        identity = f"{kind.value}:{spelling.identity(kind, contact)}"
        mac = self._vault.mac("contact", identity.encode("utf-8", "surrogatepass"))
        return keys.join("consents", kind.value, mac.hex()[:32])


def _scope(sk: str) -> tuple[str, str]:
    channel_key, purpose = keys.split(sk)
    return channel_key, purpose
