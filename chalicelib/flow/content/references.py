"""Our own names of deliveries, for platforms that hand them back: in mails, the Message-ID.

A reference holds chunk, delivery and a truncated HMAC, so no table needs to know of it. A forged
report cannot name the delivery of somebody else.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
from collections.abc import Iterable

from chalicelib.domain import elements, keys
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import Lookup, Vault

_BODY = struct.Struct(">10sIHHB")
# Bytes. With them a reference has 25, which fill 40 characters exactly. Mail servers may change the
# case of a local part, so letters have one.
_MAC = 6
_REFERENCE = re.compile(r"[0-9a-v]{40}")


def make(vault: Vault, chunk: ChunkId, ref: DeliveryRef) -> str:
    """Name a delivery, the same each time."""
    msgid = keys.message_id_bytes(chunk.msgid)
    channel, element = elements.channel_of(ref.channel), elements.number_of(ref.channel)
    body = _BODY.pack(msgid, chunk.number, ref.target, ref.contact, element)
    return base64.b32hexencode(body + _mac(vault, channel, body)).decode().lower()


def read(vault: Vault, channel: str, reference: str) -> Lookup | None:
    """Return the delivery of a reference on a delivery channel, None if it was not made here.

    Upper and lower case are the same.
    """
    lower = reference.lower()  # of which ASCII alone is left, as of a Kelvin sign
    if not _REFERENCE.fullmatch(lower):
        return None
    raw = base64.b32hexdecode(lower.upper())
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(vault, channel, body)):
        return None
    msgid, number, target, contact, element = _BODY.unpack(body)
    chunk = ChunkId(base64.b32hexencode(msgid).decode().lower(), number)
    return Lookup(chunk, (target, contact), element=element)


def lookups(vault: Vault, channel: str, ids: Iterable[str]) -> dict[str, Lookup]:
    """Return the lookups of the ids that are our own references."""
    known = ((id, read(vault, channel, id)) for id in ids)
    return {id: lookup for id, lookup in known if lookup is not None}


def _mac(vault: Vault, channel: str, body: bytes) -> bytes:
    return vault.mac("reference", keys.join(channel).encode() + b"\x00" + body)[:_MAC]
