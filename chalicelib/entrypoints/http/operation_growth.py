"""Operation Growth's interface: contacts of users under labels, attributes, events.

Answers say `msg` where UMS says `message`. Its page answers every error of the business with HTTP
200 and a code. Other statuses are for wrong credentials, too many requests, a body that is too
large, and another content type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.limits import MAX_GROWTH_ITEMS
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import Refused
from chalicelib.entrypoints.http.language import Language, Text, preferred
from chalicelib.entrypoints.http.problems import JSON, Problem, challenge
from chalicelib.entrypoints.http.route import Auth, route

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.operation_growth import Attributes, Batch, Events
    from chalicelib.manage.operation_growth import Failure, Fault

bp = Blueprint(__name__)

# https://docs.jiguang.cn/public_service/rest_api/set_user_channel (2023-11-13), "error codes"
TOO_MANY, BAD_PARAMETER, SEVERAL, NOT_SAVED = 40011, 40002, 4000, 4107
MAX_ERRORS = 1000  # that an answer lists, so that Lambda can hand it on
MAX_NAME = 64  # characters of the thing that an error is about
RATE = 100  # requests a second of each interface, as its pages say

_TEXTS = {
    SEVERAL: Text(
        "the request has several errors: see the list of codes in data",
        "请求有多个错误,请在data中查看错误码列表",
    ),
    NOT_SAVED: Text("the channel's contact was not saved! ", "通道信息保存异常!"),
    TOO_MANY: Text(
        f"the number of CUIDs must be 1 to {MAX_GROWTH_ITEMS}",
        f"CUID数组个数超过限制,须为1到{MAX_GROWTH_ITEMS}",
    ),
    BAD_PARAMETER: Text("invalid parameter: ", "业务参数无效: "),
}
_OF_ALL = Text(
    "belongs to all, which this access channel must not change", "属于所有渠道，该渠道不能修改"
)
_OTHER_KEY = Text("must be the key of the request's credentials", "与认证信息不符")


def growth_error(problem: Problem, accept_language: str) -> Response:
    """Write a problem as `{code, msg}`.

    `accept_language` is ignored: refusals of this module are in the caller's language already.
    """
    body = {"code": problem.code, "msg": problem.errors[0].message}
    status = 200 if problem.status == 400 else problem.status
    return Response(body, {**JSON, **challenge(problem.status)}, status)


DECLARED: dict[str, Any] = {
    "auth": Auth.CHANNEL,
    "error_response": growth_error,
    "response": "operation_growth.GrowthAnswer",
    "tag": "Operation Growth",
    "headers": ("Accept-Language",),
}


@route(
    bp,
    "/smartop/api/v1/user/channel/batch",
    "PUT",
    request="operation_growth.Batch",
    rate=("growth Batch", RATE),
    **DECLARED,
)
def set_contacts(context: RequestContext) -> dict[str, Any]:
    """Set contacts of users under the labels of delivery channels."""
    from chalicelib.manage import operation_growth

    items = _json(context)
    if isinstance(items, list) and not 1 <= len(items) <= MAX_GROWTH_ITEMS:
        raise Refused(TOO_MANY, _text(context, TOO_MANY))
    body: Batch = _validated(context, items)
    failures = operation_growth.set_contacts(context.world, context.sender, body.contacts())
    return _answer(context, failures)


@route(
    bp,
    "/smartop/api/v1/user/attribute",
    "PUT",
    request="operation_growth.Attributes",
    rate=("growth Attributes", RATE),
    **DECLARED,
)
def set_attributes(context: RequestContext) -> dict[str, Any]:
    """Set attributes of a user."""
    from chalicelib.manage import operation_growth

    body: Attributes = _validated(context, _json(context))
    if not context.sender.may_change_all:
        raise _bad_parameter(context, "data", _OF_ALL)
    failures = operation_growth.set_attributes(context.world, body.cuid, body.data)
    return _answer(context, failures)


@route(
    bp,
    "/smartop/api/v1/events/report",
    "POST",
    request="operation_growth.Events",
    rate=("growth Events", RATE),
    **DECLARED,
)
def report_events(context: RequestContext) -> dict[str, Any]:
    """Report events of users."""
    from chalicelib.manage import operation_growth

    body: Events = _validated(context, _json(context))
    if body.appKey != context.sender.key:
        raise _bad_parameter(context, "appKey", _OTHER_KEY)
    return _answer(context, operation_growth.report_events(context.world, body.happened()))


def _json(context: RequestContext) -> Any:
    try:
        return context.json()
    except Refused as error:
        raise _reworded(context, error) from None


def _validated(context: RequestContext, value: Any) -> Any:
    """Return the value as the route's request schema."""
    try:
        return context.validate(value, context.contract.request)
    except Refused as error:
        raise _reworded(context, error) from None


def _reworded(context: RequestContext, error: Refused) -> Refused:
    """Word a refusal as Operation Growth does, unless it has a status of its own."""
    if error.status != 400:
        return error
    return _bad_parameter(context, error.field, error.reason)


def _bad_parameter(context: RequestContext, field: str, reason: Text) -> Refused:
    in_both = Text(reason.english, reason.chinese or f"不合法 ({reason.english})")
    text = f"{field} {in_both.in_language(_language(context))}"
    return Refused(BAD_PARAMETER, _text(context, BAD_PARAMETER) + text)


def _answer(context: RequestContext, failures: Sequence[Failure]) -> dict[str, Any]:
    language, not_saved = _language(context), _text(context, NOT_SAVED)
    errors = [
        {
            "code": NOT_SAVED,
            "msg": f"{not_saved}[{name[:MAX_NAME]}] {_faults()[fault].in_language(language)}",
        }
        for name, fault in failures[:MAX_ERRORS]
    ]
    if not errors:
        return {"code": 0, "msg": "ok"}
    if len(errors) == 1:
        return errors[0]
    return {"code": SEVERAL, "msg": _text(context, SEVERAL), "data": errors}


@cache
def _faults() -> Mapping[Fault, Text]:
    """Return the texts of faults."""
    from chalicelib.manage.operation_growth import Fault

    return {
        Fault.CUID: Text("this CUID does not exist", "CUID不存在"),
        Fault.CHANNEL: Text("this channel id does not exist", "通道ID不存在"),
        Fault.LABEL: Text("this contact label does not exist", "联系标签不存在"),
        Fault.REGISTRATION_ID: Text("is not a registration id", "jg_registration_id不合法"),
        Fault.PHONE: Text("must be a mobile number of 11 digits", "短信通道值不合法"),
        Fault.CONTACT: Text("is not a contact of this channel", "通道值不合法"),
        Fault.SIZE: Text("has too much stored", "用户信息过大"),
        Fault.BUSY: Text(
            "was changed by others at the same time, please try again", "用户信息正在被修改"
        ),
    }


def _text(context: RequestContext, code: int) -> str:
    return _TEXTS[code].in_language(_language(context))


def _language(context: RequestContext) -> Language:
    """Return Chinese, unless the caller prefers English."""
    return preferred(context.headers.get("accept-language", ""), default=Language.CHINESE)
