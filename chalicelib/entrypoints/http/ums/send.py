"""The four sending routes of UMS: to everyone or an audience, with a template or own contents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain import keys
from chalicelib.entrypoints.http.bodies import without_nulls
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import CONTENT_OF_TEMPLATE, PARAMETER, Refused
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route
from chalicelib.flow import submit
from chalicelib.ports import IdempotencyKey

bp = Blueprint(__name__)

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

SENDS: dict[str, Any] = {
    "auth": Auth.CHANNEL,
    "error_response": ums_error,
    "response": "send.Accepted",
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
        1015029,
        1015031,
        1015034,
        1015038,
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
        1019061,
        503,
    ),
}


@route(bp, "/v1/sent", "POST", request="send.AnySend", **SENDS)
def send(context: RequestContext) -> dict[str, Any]:
    """Send a message to an audience."""
    return _send(context, broadcast=False)


@route(bp, "/v1/broadcast", "POST", request="send.AnyBroadcast", **SENDS)
def broadcast(context: RequestContext) -> dict[str, Any]:
    """Send a message to everyone."""
    return _send(context, broadcast=True)


@route(bp, "/v1/template/sent", "POST", request="send.TemplateSend", **SENDS)
def send_template(context: RequestContext) -> dict[str, Any]:
    """Send a template message to an audience."""
    return _send(context, broadcast=False, template=True)


@route(bp, "/v1/template/broadcast", "POST", request="send.TemplateBroadcast", **SENDS)
def broadcast_template(context: RequestContext) -> dict[str, Any]:
    """Send a template message to everyone."""
    return _send(context, broadcast=True, template=True)


def _send(context: RequestContext, *, broadcast: bool, template: bool = False) -> dict[str, Any]:
    """Accept a message. UMS's own example posts a template message to the ordinary path."""
    body = without_nulls(context.json())
    template = template or (isinstance(body, Mapping) and body.get("template_id", 0) != 0)
    _check_names(body, broadcast=broadcast, template=template)
    schema = f"send.{'Template' if template else 'Ordinary'}{'Broadcast' if broadcast else 'Send'}"
    checked = context.validate(body, schema)
    key = _idempotency_key(context, body)
    msgid = submit.submit(context.world, checked.request(context.sender), key)
    # UMS documents `msgid` and shows `msgno`.
    sendno = {"sendno": checked.option.sendno} if checked.option.sendno else {}
    return {"code": 0, "msgid": msgid, "msgno": msgid, **sendno}


def _check_names(body: Any, *, broadcast: bool, template: bool) -> None:
    """Refuse fields of another kind of send, more clearly than as unknown fields."""
    names = [name for name in body if isinstance(name, str)] if isinstance(body, Mapping) else []
    content = next((name[:64] for name in names if name.startswith("msg_")), "")
    if template and content:
        raise CONTENT_OF_TEMPLATE.refuse(content)
    audience = next((name[:64] for name in names if name.startswith("aud_")), "")
    if broadcast and audience:
        raise Refused(
            PARAMETER,
            "a broadcast goes to everyone; to send to an audience, use the path sent",
            "广播发送给所有用户, 不能指定目标",
            field=audience,
        )


def _idempotency_key(context: RequestContext, body: Any) -> IdempotencyKey | None:
    """Identify a request: access channel, path and key, with the body whatever its spacing."""
    key = context.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(
            PARAMETER,
            "must be 1 to 255 visible ASCII characters",
            "须为 1 到 255 个可见 ASCII 字符",
            field="Idempotency-Key",
        )
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    # Senders make keys of orders and numbers, and a short body can be guessed: keyed hashes.
    mac = context.world.vault.mac
    digest = mac("once", canonical.encode()).hex()
    name = mac("once", key.encode()).hex()[:32]
    return IdempotencyKey(keys.join("once", context.sender.key, context.request.path, name), digest)
