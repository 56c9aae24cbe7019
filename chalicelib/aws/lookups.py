"""Receipts find their delivery: a provider's id leads to a page. What comes too early is parked under its id."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import from_item, get_many, put_once, to_item, write_many
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.plans import PageId
from chalicelib.domain.sending import Receipt, ReceiptKind
from chalicelib.flow.ports import Lookup, Vault

CACHED = 20_000


class Lookups:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: OrderedDict[str, Lookup] = OrderedDict()

    def put(self, channel: str, found: Mapping[str, Lookup], expires: int) -> None:
        rows = [
            to_item({"pk": keys.join("receipt", channel, i), "to": json.dumps([*to.page, *(to.place or ())]), "expires": expires})
            for i, to in found.items()
        ]
        write_many(table("lookups"), rows, key=("pk",))

    def get(self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Lookup]:
        by_key = {keys.join("receipt", channel, i): i for i in provider_ids}
        unknown = [key for key in by_key if key not in self._known]
        for row in get_many(table("lookups"), ({"pk": key} for key in unknown), consistent=fresh):
            self._remember(row["pk"], _lookup(row["to"]))
        return {i: self._known[key] for key, i in by_key.items() if key in self._known}

    def _remember(self, key: str, lookup: Lookup) -> None:
        self._known[key] = lookup
        if len(self._known) > CACHED:
            self._known.popitem(last=False)

    def park(self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int) -> None:
        for provider_id, group in receipts.items():
            key = keys.join("parked", channel, provider_id)
            sealed = [{"B": self._vault.seal(_written(r), key)} for r in group]
            client("dynamodb").update_item(
                TableName=table("lookups"),
                Key=to_item({"pk": key}),
                UpdateExpression="SET receipts = list_append(if_not_exists(receipts, :none), :more), expires = :expires",
                ExpressionAttributeValues={":none": {"L": []}, ":more": {"L": sealed}, ":expires": {"N": str(expires)}},
            )

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        wanted = ({"pk": keys.join("parked", channel, i)} for i in provider_ids)
        rows = get_many(table("lookups"), wanted, consistent=True)
        return [_read(self._vault.open(sealed, row["pk"])) for row in rows for sealed in row["receipts"]]

    def use_nonce(self, channel: str, nonce: str, digest: str, expires: int) -> bool:
        item = to_item({"pk": keys.join("nonce", channel, nonce), "digest": digest, "expires": expires})
        found = put_once(table("lookups"), item)
        return found is None or from_item(found)["digest"] == digest


def _lookup(text: str) -> Lookup:
    msgid, page, *place = json.loads(text)
    return Lookup(PageId(msgid, page), (place[0], place[1]) if place else None)


def _written(receipt: Receipt) -> bytes:
    return json.dumps([receipt.provider_id, receipt.kind.value, receipt.time, receipt.contact, receipt.code]).encode()


def _read(raw: bytes) -> Receipt:
    provider_id, kind, time, contact, code = json.loads(raw)
    fields: dict[str, Any] = {"contact": contact, "code": code}
    return Receipt(provider_id, ReceiptKind(kind), time, **fields)
