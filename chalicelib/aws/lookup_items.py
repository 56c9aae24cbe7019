"""Items of the table `lookups`: those of lookups and nonces, and what parked receipts say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.aws.items import Item, Values, to_item
from chalicelib.domain import keys
from chalicelib.domain.messages import Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.ports import Lookup, Nonce


def nonce_row(nonce: Nonce) -> Item:
    """Build the item of a nonce."""
    return to_item({"pk": nonce_key(nonce), "digest": nonce.digest, "expires": nonce.expires})


def nonce_key(nonce: Nonce) -> str:
    """Return the key of a nonce."""
    return keys.join("nonce", nonce.channel, nonce.name)


def rows(channel: str, lookups: Mapping[str, Lookup], expires: int) -> list[Item]:
    """Build the items of lookups by provider id."""
    return [_row(keys.join("receipt", channel, id), to, expires) for id, to in lookups.items()]


def _row(key: str, to: Lookup, expires: int) -> Item:
    """Build the item of a lookup. Its message expires with it, if a retention is known."""
    known: Values = {} if to.retention is None else {"counted": int(to.retention.counted)}
    if to.retention is not None and to.retention.start:
        known["start"] = to.retention.start
    if to.retention is not None and to.retention.callbacks:
        known["callbacks"] = to.retention.callbacks
    if to.retention is not None and to.retention.followed:
        known["followed"] = 1
    return to_item({"pk": key, "to": _text(to), "expires": expires, **known})


def _text(to: Lookup) -> str:
    element = [{"element": to.element}] if to.element > 1 else []
    return json.dumps([*to.chunk, *(to.ref or ()), *([to.parts] if to.parts else ()), *element])


def lookup(row: Mapping[str, Any]) -> Lookup:
    """Read the item of a lookup."""
    msgid, chunk, *rest = json.loads(row["to"])
    element = rest.pop()["element"] if rest and isinstance(rest[-1], dict) else 1
    ref = (rest[0], rest[1]) if rest else None
    retention: Retention | None = None
    if "counted" in row:
        marks = (row.get("start", 0), row.get("callbacks", ""), bool(row.get("followed")))
        retention = Retention(row["expires"], bool(row["counted"]), *marks)
    parts = tuple(rest[2]) if len(rest) > 2 else ()
    return Lookup(ChunkId(msgid, chunk), ref, parts, element, retention)


def packed(receipt: Receipt) -> list[str | int]:
    """Build what is sealed of a parked receipt."""
    return [
        receipt.provider_id,
        receipt.kind.value,
        receipt.time,
        receipt.contact,
        receipt.code,
        *_flags(receipt),
    ]


def _flags(receipt: Receipt) -> list[int]:
    """Return what is rare. Most receipts have none of it."""
    flags = [receipt.undeliverable, receipt.may_be_derived, receipt.soft]
    while flags and not flags[-1]:
        flags.pop()
    return list(map(int, flags))


def unpacked(raw: Sequence[Any]) -> Receipt:
    """Read what was sealed of a parked receipt."""
    provider_id, kind, time, contact, code, *flags = raw
    undeliverable, may_be_derived, soft, *_ = (*map(bool, flags), False, False, False)
    fields: dict[str, Any] = {
        "contact": contact,
        "code": code,
        "undeliverable": undeliverable,
        "soft": soft,
        "may_be_derived": may_be_derived,
    }
    return Receipt(provider_id, ReceiptKind(kind), time, **fields)
