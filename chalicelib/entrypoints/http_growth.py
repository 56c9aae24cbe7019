"""Operation Growth's interface: contacts of users under labels, attributes, events. Answers say `msg` where UMS says `message`.

Whatever is wrong with the business of a request is answered with HTTP 200 and a code, as its page has it; only who is not known, or
too fast, gets another status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Refused
from chalicelib.domain.users import Event
from chalicelib.entrypoints.http_support import JSON, PARAMETER, Auth, Call, Problem, challenge, route
from chalicelib.flow import growth
from chalicelib.flow.growth import Failure, LabelledContact

bp = Blueprint(__name__)

# https://docs.jiguang.cn/public_service/rest_api/set_user_channel (2023-11-13), "error codes"
TOO_MANY, BAD_PARAMETER, SEVERAL, NOT_SAVED = 40011, 40002, 4000, 4107
MAX_ITEMS, MAX_CHANNELS, MAX_LABELS, MAX_TEXT = 100, 50, 50, 1024
MAX_NUMBER = 2**63 - 1
RATE = 100
MAX_ATTRIBUTES, MAX_LIST = 100, 100
_NAME = re.compile(r"[A-Za-z0-9_$一-鿿-]{1,64}")
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,64}")

_WORDS = {
    SEVERAL: ("请求有多个错误,请在data中查看错误码列表", "the request has several errors: see the list of codes in data"),
    NOT_SAVED: ("通道信息保存异常!", "the channel's contact was not saved! "),
    TOO_MANY: (f"CUID数组个数超过限制,须为1到{MAX_ITEMS}", f"the number of CUIDs must be 1 to {MAX_ITEMS}"),
    BAD_PARAMETER: ("业务参数无效: ", "invalid parameter: "),
}


def growth_error(problem: Problem) -> Response:
    """`{code, msg}`. A body that cannot be read is an invalid business parameter."""
    is_body = problem.status == 400
    body = {"code": BAD_PARAMETER if is_body and problem.code == PARAMETER else problem.code, "msg": problem.message}
    return Response(body, {**JSON, **challenge(problem.status)}, 200 if is_body else problem.status)


def _declared(takes: str) -> dict[str, Any]:
    """Each of its interfaces has requests a second of its own, as its pages say."""
    shown = {"takes": f"growth.{takes}", "gives": "growth.GrowthAnswer", "tag": "Operation Growth"}
    return {"auth": Auth.CHANNEL, "shape": growth_error, "rate": (f"growth {takes}", RATE), **shown}


@route(bp, "/smartop/api/v1/user/channel/batch", "PUT", **_declared("Batch"))
def set_contacts(call: Call) -> dict[str, Any]:
    """Set contacts of users under the labels of delivery channels."""
    items = call.json()
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise Refused(TOO_MANY, _words(call, TOO_MANY))
    wanted = [each for n, item in enumerate(items) for each in _item(call, f"[{n}]", item)]
    return _answer(call, growth.set_contacts(call.world, call.sender, wanted))


def _item(call: Call, where: str, item: Any) -> list[LabelledContact]:
    cuid = _number(call, f"{where}.cuid", _member(call, where, item, "cuid"))
    channels = _list(call, f"{where}.channels", _member(call, where, item, "channels"), MAX_CHANNELS)
    found: list[LabelledContact] = []
    for n, channel in enumerate(channels):
        at = f"{where}.channels[{n}]"
        number = _number(call, f"{at}.id", _member(call, at, channel, "id"))
        values = _member(call, at, channel, "channelValues")
        if not isinstance(values, Mapping) or not 1 <= len(values) <= MAX_LABELS:
            raise _bad(call, f"{at}.channelValues", f"1 to {MAX_LABELS} labels")
        for label, contact in values.items():
            text = str(contact) if isinstance(contact, int) and not isinstance(contact, bool) else contact
            if not isinstance(text, str) or len(text) > MAX_TEXT:
                raise _bad(call, f"{at}.channelValues", f"a contact is a text of at most {MAX_TEXT} characters")
            found.append(LabelledContact(cuid, number, label, text.strip()))
    return found


@route(bp, "/smartop/api/v1/user/attribute", "PUT", **_declared("Attributes"))
def set_attributes(call: Call) -> dict[str, Any]:
    """Set attributes of a user."""
    body = call.json()
    cuid = _number(call, "cuid", _member(call, "", body, "cuid"))
    given = _member(call, "", body, "data")
    if not isinstance(given, Mapping) or not 1 <= len(given) <= MAX_ATTRIBUTES:
        raise _bad(call, "data", f"1 to {MAX_ATTRIBUTES} attributes")
    for name, value in given.items():
        _check_value(call, f"data.{name[:64]}", name, value)
    return _answer(call, growth.set_attributes(call.world, cuid, given))


@route(bp, "/smartop/api/v1/events/report", "POST", **_declared("Events"))
def report_events(call: Call) -> dict[str, Any]:
    """Report what users did."""
    body = call.json()
    if _member(call, "", body, "appKey") != call.sender.key:
        raise _bad(call, "appKey", "must be the key of the request's credentials")
    records = _list(call, "data", _member(call, "", body, "data"), MAX_ITEMS)
    return _answer(call, growth.report_events(call.world, [_event(call, f"data[{n}]", record) for n, record in enumerate(records)]))


def _event(call: Call, where: str, record: Any) -> tuple[int, Event]:
    cuid = _number(call, f"{where}.cuid", _member(call, where, record, "cuid"))
    name = _member(call, where, record, "eventName")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _bad(call, f"{where}.eventName", "1 to 64 letters, Chinese, digits, _ $ -")
    time = _number(call, f"{where}.itime", _member(call, where, record, "itime"))
    given = record.get("randomId", "")
    random_id = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(random_id, str) or (random_id and not _EVENT_ID.fullmatch(random_id)):
        raise _bad(call, f"{where}.randomId", "1 to 64 visible characters")
    properties = record.get("properties", {})
    if not isinstance(properties, Mapping) or len(properties) > MAX_ATTRIBUTES:
        raise _bad(call, f"{where}.properties", f"at most {MAX_ATTRIBUTES}")
    for key, value in properties.items():
        _check_value(call, f"{where}.properties.{key[:64]}", key, value)
    return cuid, Event(name, time, random_id)


def _member(call: Call, where: str, given: Any, name: str) -> Any:
    if not isinstance(given, Mapping) or name not in given:
        raise _bad(call, f"{where}.{name}".removeprefix("."), "is required")
    return given[name]


def _number(call: Call, where: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= MAX_NUMBER:
        raise _bad(call, where, "must be a positive number of 64 bits")
    return given


def _list(call: Call, where: str, given: Any, most: int) -> Sequence[Any]:
    if not isinstance(given, list) or not 1 <= len(given) <= most:
        raise _bad(call, where, f"must be a list of 1 to {most}")
    return given


def _check_value(call: Call, where: str, name: str, value: Any) -> None:
    """Texts, numbers and lists of them; booleans come as 0 and 1, times as texts or numbers."""
    if not _NAME.fullmatch(name):
        raise _bad(call, where, "a name has 1 to 64 letters, Chinese, digits, _ $ -")
    several = value if isinstance(value, list) else [value]
    if len(several) > MAX_LIST or not all(each is None or isinstance(each, str | int | float) for each in several):
        raise _bad(call, where, f"must be a text, a number, or a list of at most {MAX_LIST} of them")
    if any(isinstance(each, str) and len(each) > MAX_TEXT for each in several):
        raise _bad(call, where, f"more than {MAX_TEXT} characters")


def _bad(call: Call, where: str, reason: str) -> Refused:
    return Refused(BAD_PARAMETER, f"{_words(call, BAD_PARAMETER)}{where} {reason}")


def _answer(call: Call, failures: Sequence[Failure]) -> dict[str, Any]:
    english = _is_english(call)
    errors = [{"code": NOT_SAVED, "msg": f"{_words(call, NOT_SAVED)}[{what}] {fault.value[english]}"} for what, fault in failures]
    if not errors:
        return {"code": 0, "msg": "ok"}
    return errors[0] if len(errors) == 1 else {"code": SEVERAL, "msg": _words(call, SEVERAL), "data": errors}


def _words(call: Call, code: int) -> str:
    return _WORDS[code][_is_english(call)]


def _is_english(call: Call) -> bool:
    """Whether English is asked for before Chinese, which is what there is otherwise."""
    asked = [part.split(";")[0].strip().lower() for part in call.headers.get("accept-language", "")[:200].split(",")]
    known = [language[:2] for language in asked if language[:2] in ("zh", "en")]
    return bool(known) and known[0] == "en"
