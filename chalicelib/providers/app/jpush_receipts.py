"""Receipts of JPush: its webhook's events, read by a table of names.

Jiguang does not publish the format of its receipt callback
(https://docs.jiguang.cn/jpush/server/push/rest_api_v3_callback: "ask support"). The names below
read two public formats. A community receiver has `{"data": event | [event]}` with `msg_id`,
`registration_id`, `itime`, `type`. Jiguang's overseas product has `{"rows": [event]}` with
`message_id`, `to`, `itime`, `status.message_status`
(https://www.engagelab.com/zh_CN/docs/app-push/rest-api/callback-api).

For another format, an operator names the fields in `credentials.receipt_fields`, in the form of
`FIELDS`.
"""

from __future__ import annotations

import hmac
import json
import logging
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, WebhookRequest
from chalicelib.providers.base import check_names, identifier, milliseconds, read_json

log = logging.getLogger(__name__)

Fields = Mapping[str, Any]

# Paths of a value. The first path with a value counts. A dot leads into an object.
# `kinds`: the texts of `kind`.
FIELDS: Fields = {
    "events": ["data", "rows"],
    "id": ["msg_id", "message_id"],
    "contact": ["registration_id", "to"],
    "time": ["itime"],
    "kind": ["type", "status.message_status"],
    "code": ["status.error_code", "error_code"],
    "kinds": {
        # The community receiver knows 0 and 1. 2 for "not delivered" is a guess.
        "0": "delivered",
        "1": "clicked",
        "2": "delivery_failed",
        "delivered": "delivered",
        "received": "delivered",
        "click": "clicked",
        "clicked": "clicked",
        "delivered_failed": "delivery_failed",
        "delivery_failed": "delivery_failed",
    },
}
# Documented for the overseas product. Nothing is kept of them.
ON_THE_WAY = frozenset({"plan", "sent"})


def check_fields(raw: Any) -> None:
    """Raise Invalid if a channel's own `receipt_fields` do not have the form of FIELDS."""
    field = "credentials.receipt_fields"
    if not isinstance(raw, Mapping):
        raise Invalid(field, "must be an object")
    check_names(raw, FIELDS, field)
    for name, value in raw.items():
        if name == "kinds":
            kinds = map(str, value.values()) if isinstance(value, Mapping) else ("",)
            if not set(kinds) <= set(ReceiptKind):
                raise Invalid(
                    f"{field}.kinds", "must map words to delivered, delivery_failed or clicked"
                )
        elif not isinstance(value, list) or not all(isinstance(path, str) for path in value):
            raise Invalid(f"{field}.{name}", "must be a list of names")


def fields_of(secret: Mapping[str, str]) -> Fields:
    return {**FIELDS, **json.loads(secret["fields"])} if secret.get("fields") else FIELDS


def digest(app_key: str, master_secret: str) -> str:
    return sha256(f"{app_key}:{master_secret}".encode()).hexdigest()


def verify(request: WebhookRequest, expected: str) -> None:
    """Raise Unverified for wrong Basic credentials.

    By default the callback has the same credentials as the API (rest_api_v3_callback, 2024-05-27).
    """
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        received = sha256(b64decode(value.strip(), validate=True)).hexdigest()
    except ValueError:
        received = ""
    if scheme.lower() != "basic" or not hmac.compare_digest(received, expected):
        raise Unverified("basic credentials")


def read(body: bytes, fields: Fields, now: int) -> Sequence[Receipt]:
    """Read every receipt that can be understood.

    The others are counted in the log.

    Raises Invalid for a body without events.
    """
    ignored = ON_THE_WAY - set(fields["kinds"])
    receipts: list[Receipt] = []
    unread = 0
    for event in _events(read_json(body, "body"), fields):
        if _status(event, fields) in ignored:
            continue
        readable = list(_receipts(event, fields, now)) if isinstance(event, Mapping) else []
        unread += not readable
        receipts += readable
    if unread:
        log.warning("receipts not understood", extra={"provider": "jpush", "count": unread})
    return receipts


def _events(parsed: Any, fields: Fields) -> Sequence[Any]:
    if isinstance(parsed, Mapping):
        events = _first(parsed, fields["events"])
        parsed = parsed if events is None else events
    if isinstance(parsed, Mapping):
        return [parsed]
    if isinstance(parsed, list):
        return parsed
    raise Invalid("body", "holds no events")


def _status(event: Any, fields: Fields) -> str:
    return identifier(_first(event, fields["kind"])) if isinstance(event, Mapping) else ""


def _receipts(event: Mapping[str, Any], fields: Fields, now: int) -> Iterator[Receipt]:
    status, provider_id = _status(event, fields), identifier(_first(event, fields["id"]))
    contacts = _first(event, fields["contact"])
    if not status or not provider_id:
        return
    receipt_kind = fields["kinds"].get(status, ReceiptKind.OTHER)
    time = milliseconds(_first(event, fields["time"])) or now
    code = status[:40] if receipt_kind == ReceiptKind.OTHER else ""
    if receipt_kind == ReceiptKind.DELIVERY_FAILED:
        code = identifier(_first(event, fields["code"]))
    for contact in map(identifier, contacts if isinstance(contacts, list) else [contacts]):
        if contact:
            yield Receipt(provider_id, ReceiptKind(receipt_kind), time, contact, code)


def _first(event: Mapping[str, Any], paths: Sequence[str]) -> Any:
    for path in paths:
        value: Any = event
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None
