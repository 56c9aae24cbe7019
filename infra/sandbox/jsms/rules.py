"""Rules, errors and receipts of JSMS.

Sources: "SMS API", https://docs.jiguang.cn/jsms/server/rest_api_jsms, its "return codes" in
…/rest_api_summary, and "Callback", https://docs.jiguang.cn/jsms/server/callback (states,
signature).
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from infra.sandbox.accounts import Account, Event
from infra.sandbox.calllog import Result
from infra.sandbox.outbox import Parcel
from infra.sandbox.vendor import Refusal, compact

MAX_RECIPIENTS = 1000

CODES: Mapping[int, tuple[int, str]] = {
    50001: (400, "missing auth"),
    50002: (401, "auth failed"),
    50003: (400, "missing body"),
    50004: (400, "missing mobile"),
    50005: (400, "missing temp_id"),
    50006: (403, "invalid mobile"),
    50007: (403, "invalid body"),
    50009: (403, "out of freq"),
    50013: (403, "invalid temp_id"),
    50016: (404, "api not found"),
    50017: (415, "media not supported"),
    50018: (405, "request method not support"),
    50019: (500, "server error"),
    50020: (403, "template is in review"),
    50021: (403, "template was refused"),
    50025: (403, "wrong template type"),
    50030: (403, "recipients is empty"),
    50031: (403, "too much recipients"),
    50041: (403, "invalid ttl value"),
    50042: (403, "template is empty"),
    50043: (403, "template too long"),
    50044: (403, "template parameter invalid"),
    50045: (403, "remark too long"),
    50047: (403, "modify template not allow"),
    50052: (403, "template contains special symbol"),
    50053: (403, "special template parameter need extra remark for confirmation"),
    50101: (403, "invalid image"),
    50102: (403, "invalid sign id"),
    50103: (403, "other signatures in the audit"),
    50104: (403, "invalid signature"),
}
DELIVERED, PHONE_OFF = 4001, 4003
# The type of a callback, by a field of its data.
TYPES = {"replyTime": "SMS_REPLY", "tempId": "SMS_TEMPLATE", "signId": "SMS_SIGN"}

_MOBILE = re.compile(r"(?!\+?861[0-9]{10}$)\+?[0-9]{7,15}")


def error(
    code: int, *, result: Result = Result.REFUSED, headers: Mapping[str, str] | None = None
) -> Refusal:
    status, message = CODES[code]
    return Refusal(
        status, code, {"error": {"code": code, "message": message}}, result=result, headers=headers
    )


def too_often(seconds: int) -> Refusal:
    """`Retry-After` is not documented."""
    return error(50009, result=Result.THROTTLED, headers={"Retry-After": str(seconds)})


def message(body: Any) -> Mapping[str, Any]:
    """Return a valid single message. Raises Refusal."""
    if not isinstance(body, dict):
        raise error(50007)
    if not body.get("mobile"):
        raise error(50004)
    _check_template(body)
    _check_parameters(body)
    if not is_mobile(body["mobile"]):
        raise error(50006)
    return body


def batch(body: Any) -> Sequence[Mapping[str, Any]]:
    """Return the recipients of a batch, with numbers to be checked one by one. Raises Refusal."""
    if not isinstance(body, dict):
        raise error(50007)
    _check_template(body)
    recipients = body.get("recipients")
    if not recipients:
        raise error(50030)
    if not isinstance(recipients, list) or not all(
        isinstance(recipient, dict) for recipient in recipients
    ):
        raise error(50007)
    if len(recipients) > MAX_RECIPIENTS:
        raise error(50031)
    for recipient in recipients:
        if not isinstance(recipient.get("mobile"), str):
            raise error(50004)
        _check_parameters(recipient)
    return recipients


def is_mobile(value: Any) -> bool:
    return isinstance(value, str) and _MOBILE.fullmatch(value) is not None


def _check_template(body: Mapping[str, Any]) -> None:
    template = body.get("temp_id")
    if template in (None, ""):
        raise error(50005)
    if not isinstance(template, int) or isinstance(template, bool) or template < 1:
        raise error(50013)


def _check_parameters(entry: Mapping[str, Any]) -> None:
    parameters = entry.get("temp_para") or {}
    if not isinstance(parameters, dict) or not all(
        isinstance(value, (str, int, float)) for value in parameters.values()
    ):
        raise error(50007)


def report(msg_id: str, phone: str, status: int, at: float) -> Event:
    return {"msgId": msg_id, "phone": phone, "receiveTime": int(at * 1000), "status": status}


def reply(phone: str, text: str) -> Event:
    return {"content": text, "phone": phone, "replyTime": int(time.time() * 1000)}


def signature(app_key: str, master_secret: str, nonce: int, timestamp: int) -> str:
    signed = f"appKey={app_key}&appMasterSecret={master_secret}&nonce={nonce}&timestamp={timestamp}"
    return hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()


def parcel(account: Account, events: Sequence[Event]) -> Parcel:
    """Build a post. `data` is one report as documented, or an array if the account takes more."""
    nonce, timestamp = random.getrandbits(63), int(time.time() * 1000)
    form = {
        "nonce": nonce,
        "timestamp": timestamp,
        "signature": signature(account.app_key, account.master_secret or "", nonce, timestamp),
        "type": next((type for name, type in TYPES.items() if name in events[0]), "SMS_REPORT"),
        "data": compact(events[0] if account.receipt_batch == 1 else list(events)),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Parcel(
        account.provider,
        str(account.webhook_url),
        headers=headers,
        body=urlencode(form).encode(),
        holds=len(events),
    )
