"""POST /v1/template/sent and, for a body with `template_id`, POST /v1/sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Refused
from chalicelib.entrypoints.http_support import Auth, Call, route, ums_error
from chalicelib.flow import submit

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.send import TemplateSend

bp = Blueprint(__name__)

HAS_MESSAGE, NOT_SUPPORTED = 1015094, 1019002  # docs.jiguang.cn/jums, "message_code" (2021-12-15); 1019xxx are our own

SENDS: dict[str, Any] = {
    "auth": Auth.CHANNEL, "shape": ums_error, "takes": "send.TemplateSend", "gives": "send.Accepted", "tag": "sending",
    "errors": (
        1015004, 1015006, 1015007, 1015008, 1015009, 1015010, 1015011, 1015012, 1019013, 1019014, 1015026, 1015031, 1015084, 1015085,
        1015094, 1015097, 1019001, 1019002,
    ),
}  # fmt: skip


@route(bp, "/v1/template/sent", "POST", **SENDS)
def send_template(call: Call) -> dict[str, Any]:
    """Send a template message to users."""
    return _send(call)


@route(bp, "/v1/sent", "POST", **SENDS)
def send(call: Call) -> dict[str, Any]:
    """Send a template message to users: UMS's own example posts one here."""
    return _send(call, template_only=False)


def _send(call: Call, *, template_only: bool = True) -> dict[str, Any]:
    body = call.json()
    if isinstance(body, Mapping):
        _refuse_what_is_to_come(body, template_only=template_only)
    checked: TemplateSend = call.validated(body)
    msgid = submit.submit(call.world, checked.request(call.sender))
    # UMS documents `msgid` and shows `msgno`.
    sendno = {"sendno": checked.option.sendno} if checked.option.sendno else {}
    return {"code": 0, "msgid": msgid, "msgno": msgid, **sendno}


def _refuse_what_is_to_come(body: Mapping[str, Any], *, template_only: bool) -> None:
    content = _first(body, "msg_")
    if content and (template_only or "template_id" in body):
        raise Refused(HAS_MESSAGE, f"{content}: 模板消息不能携带 msg_xxx (a template message must not carry it)", field=content)
    if content:
        raise Refused(NOT_SUPPORTED, f"{content}: only template messages can be sent yet; use template_id", field=content)
    audience = _first((name for name in body if name != "aud_userid"), "aud_")
    if audience:
        raise Refused(NOT_SUPPORTED, f"{audience}: this audience is not supported yet; use aud_userid", field=audience)


def _first(names: Iterable[str], prefix: str) -> str:
    return next((name[:64] for name in names if name.startswith(prefix)), "")
