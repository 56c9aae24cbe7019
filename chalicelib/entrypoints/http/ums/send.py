"""The four paths of UMS that send: to everyone or to an audience, of a template or with contents of its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain import keys
from chalicelib.entrypoints.http.bodies import without_nulls
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.route import Auth, Call, route, ums_error
from chalicelib.flow import submit
from chalicelib.ports import IdempotencyKey

bp = Blueprint(__name__)

HAS_MESSAGE = 1015094  # docs.jiguang.cn/jums, "message_code" (2021-12-15)

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

SENDS: dict[str, Any] = {
    "auth": Auth.CHANNEL,
    "shape": ums_error,
    "gives": "send.Accepted",
    "tag": "sending",
    "headers": ("Idempotency-Key",),
    "errors": (
        1015004,
        1015006,
        1015007,
        1015008,
        1015009,
        1015010,
        1015011,
        1015012,
        1019013,
        1019014,
        1015026,
        1015031,
        1015046,
        1019005,
        1019006,
        1015073,
        1015084,
        1015085,
        1015094,
        1015095,
        1015097,
        1019001,
        1019003,
        1019004,
        1019041,
        503,
    ),
}


@route(bp, "/v1/sent", "POST", takes="send.AnySend", **SENDS)
def send(call: Call) -> dict[str, Any]:
    """Send a message to an audience."""
    return _send(call, broadcast=False)


@route(bp, "/v1/broadcast", "POST", takes="send.AnyBroadcast", **SENDS)
def broadcast(call: Call) -> dict[str, Any]:
    """Send a message to everyone."""
    return _send(call, broadcast=True)


@route(bp, "/v1/template/sent", "POST", takes="send.TemplateSend", **SENDS)
def send_template(call: Call) -> dict[str, Any]:
    """Send a template message to an audience."""
    return _send(call, broadcast=False, template=True)


@route(bp, "/v1/template/broadcast", "POST", takes="send.TemplateBroadcast", **SENDS)
def broadcast_template(call: Call) -> dict[str, Any]:
    """Send a template message to everyone."""
    return _send(call, broadcast=True, template=True)


def _send(call: Call, *, broadcast: bool, template: bool = False) -> dict[str, Any]:
    """UMS's own example posts a template message to the ordinary path."""
    body = without_nulls(call.json())
    template = template or (isinstance(body, Mapping) and "template_id" in body)
    _refuse_what_does_not_belong(body, broadcast=broadcast, template=template)
    shape = f"send.{'Template' if template else 'Ordinary'}{'Broadcast' if broadcast else 'Send'}"
    checked = call.validated(body, shape)
    msgid = submit.submit(call.world, checked.request(call.sender), _once(call, body))
    # UMS documents `msgid` and shows `msgno`.
    sendno = {"sendno": checked.option.sendno} if checked.option.sendno else {}
    return {"code": 0, "msgid": msgid, "msgno": msgid, **sendno}


def _refuse_what_does_not_belong(body: Any, *, broadcast: bool, template: bool) -> None:
    """Said more clearly than that the field is not known."""
    names = [name for name in body if isinstance(name, str)] if isinstance(body, Mapping) else []
    content = next((name[:64] for name in names if name.startswith("msg_")), "")
    if template and content:
        raise Refused(
            HAS_MESSAGE,
            f"{content}: 模板消息不能携带 msg_xxx (a template message must not carry it)",
            field=content,
        )
    audience = next((name[:64] for name in names if name.startswith("aud_")), "")
    if broadcast and audience:
        raise Refused(
            PARAMETER,
            f"{audience}: a broadcast goes to everyone; to send to an audience, use the path sent",
            field=audience,
        )


def _once(call: Call, body: Any) -> IdempotencyKey | None:
    """What the sender's Idempotency-Key stands for: the access channel, the path, and the body whatever its spacing."""
    key = call.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(
            PARAMETER,
            "Idempotency-Key: must be 1 to 255 visible ASCII characters",
            field="Idempotency-Key",
        )
    digest = hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()
    return IdempotencyKey(keys.join("once", call.sender.key, call.request.path, key), digest)
