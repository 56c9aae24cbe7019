"""Operation Growth's interface: contacts of users under labels, attributes, events. Answers say `msg` where UMS says `message`.

Whatever is wrong with a request is answered with HTTP 200 and a code, as its page has it; only who is not known, too fast, or sends too
much or another type of content gets another status.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.limits import MAX_GROWTH_ITEMS
from chalicelib.entrypoints.http.errors import Refused
from chalicelib.entrypoints.http.route import JSON, Auth, Call, Problem, challenge, route
from chalicelib.manage import operation_growth
from chalicelib.manage.operation_growth import Failure

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.operation_growth import Attributes, Batch, Events

bp = Blueprint(__name__)

# https://docs.jiguang.cn/public_service/rest_api/set_user_channel (2023-11-13), "error codes"
TOO_MANY, BAD_PARAMETER, SEVERAL, NOT_SAVED = 40011, 40002, 4000, 4107
MAX_ERRORS, SHOWN = (
    1000,
    64,
)  # that an answer lists, so that it stays one that Lambda can give; characters of what each is about
RATE = 100

_LANGUAGE = re.compile(
    r"(zh|en)(?:[-_][\w-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?", re.ASCII | re.IGNORECASE
)

_WORDS = {
    SEVERAL: (
        "请求有多个错误,请在data中查看错误码列表",
        "the request has several errors: see the list of codes in data",
    ),
    NOT_SAVED: ("通道信息保存异常!", "the channel's contact was not saved! "),
    TOO_MANY: (
        f"CUID数组个数超过限制,须为1到{MAX_GROWTH_ITEMS}",
        f"the number of CUIDs must be 1 to {MAX_GROWTH_ITEMS}",
    ),
    BAD_PARAMETER: ("业务参数无效: ", "invalid parameter: "),
}
_CHINESE = {  # of reasons that shapes give; any other stands in brackets
    "is required": "缺失",
    "is not a known field": "是未知字段",
    "must be an object": "必须是对象",
    "must be a list": "必须是数组",
    "must be a text": "必须是字符串",
    "must be an integer": "必须是整数",
    "must be the key of the request's credentials": "与认证信息不符",
}


def growth_error(problem: Problem) -> Response:
    """`{code, msg}`."""
    body = {"code": problem.code, "msg": problem.message}
    return Response(
        body,
        {**JSON, **challenge(problem.status)},
        200 if problem.status == 400 else problem.status,
    )


def _declared(takes: str) -> dict[str, Any]:
    """Each of its interfaces has requests a second of its own, as its pages say."""
    shown = {
        "takes": f"operation_growth.{takes}",
        "gives": "operation_growth.GrowthAnswer",
        "tag": "Operation Growth",
        "headers": ("Accept-Language",),
    }
    return {"auth": Auth.CHANNEL, "shape": growth_error, "rate": (f"growth {takes}", RATE), **shown}


@route(bp, "/smartop/api/v1/user/channel/batch", "PUT", **_declared("Batch"))
def set_contacts(call: Call) -> dict[str, Any]:
    """Set contacts of users under the labels of delivery channels."""
    body: Batch = _body(call, counted=True)
    return _answer(call, operation_growth.set_contacts(call.world, call.sender, body.contacts()))


@route(bp, "/smartop/api/v1/user/attribute", "PUT", **_declared("Attributes"))
def set_attributes(call: Call) -> dict[str, Any]:
    """Set attributes of a user."""
    body: Attributes = _body(call)
    return _answer(call, operation_growth.set_attributes(call.world, body.cuid, body.data))


@route(bp, "/smartop/api/v1/events/report", "POST", **_declared("Events"))
def report_events(call: Call) -> dict[str, Any]:
    """Report what users did."""
    body: Events = _body(call)
    if body.appKey != call.sender.key:
        raise _bad(call, "appKey", "must be the key of the request's credentials")
    return _answer(call, operation_growth.report_events(call.world, body.happened()))


def _body(call: Call, *, counted: bool = False) -> Any:
    """In the shape that the route takes. `counted`: a list whose length has a code of its own."""
    try:
        given = call.json()
        if counted and isinstance(given, list) and not 1 <= len(given) <= MAX_GROWTH_ITEMS:
            raise Refused(TOO_MANY, _words(call, TOO_MANY))
        return call.validated(given)
    except Refused as error:
        if error.status != 400 or error.code == TOO_MANY:
            raise
        raise _bad(call, error.field, error.message.removeprefix(f"{error.field}: ")) from None


def _bad(call: Call, where: str, reason: str) -> Refused:
    told = reason if _is_english(call) else _CHINESE.get(reason, f"不合法 ({reason})")
    return Refused(BAD_PARAMETER, f"{_words(call, BAD_PARAMETER)}{where} {told}", field=where)


def _answer(call: Call, failures: Sequence[Failure]) -> dict[str, Any]:
    english = _is_english(call)
    errors = [
        {
            "code": NOT_SAVED,
            "msg": f"{_words(call, NOT_SAVED)}[{what[:SHOWN]}] {fault.value[english]}",
        }
        for what, fault in failures[:MAX_ERRORS]
    ]
    if not errors:
        return {"code": 0, "msg": "ok"}
    return (
        errors[0]
        if len(errors) == 1
        else {"code": SEVERAL, "msg": _words(call, SEVERAL), "data": errors}
    )


def _words(call: Call, code: int) -> str:
    return _WORDS[code][_is_english(call)]


def _is_english(call: Call) -> bool:
    """Whether English is preferred to Chinese, which is what there is otherwise: by weight, then by place (RFC 9110, 12.5.4)."""
    asked = [
        _LANGUAGE.fullmatch(part.strip())
        for part in call.headers.get("accept-language", "")[:200].split(",")
    ]
    weight, language = max(
        ((float(found[2] or 1), found[1].lower()) for found in asked if found),
        key=itemgetter(0),
        default=(0, ""),
    )
    return weight > 0 and language == "en"
