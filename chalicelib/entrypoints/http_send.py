"""POST /v1/template/sent and, for a body with `template_id`, POST /v1/sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from chalice.app import Blueprint
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chalicelib.domain.channels import AccessChannel, Priority
from chalicelib.domain.errors import Refused
from chalicelib.entrypoints.bodies import PARAMETER, Strict, refusal, validate
from chalicelib.entrypoints.http_support import Auth, Call, route, ums_error
from chalicelib.flow import submit
from chalicelib.flow.resolve import SendRequest

bp = Blueprint(__name__)

# docs.jiguang.cn/jums, "message_code" (2021-12-15); 1019xxx are our own.
TOO_MANY, PLATFORM_WRONG, HAS_MESSAGE, BOTH_LISTS, NOT_SUPPORTED = 1015004, 1015085, 1015094, 1015097, 1019002

MAX_USERIDS = 1000
MAX_PARAMS = 4096  # bytes of callback.params
PLATFORMS = ("android", "ios", "quickapp", "web", "hmos")

# UMS allows letters, digits, underscore and @!#$&*+=.|¥; hyphens are added for UUIDs.
USERID = re.compile(r"[A-Za-z0-9_@!#$&*+=.|¥-]{1,64}", re.ASCII)


def check_userid(userid: str) -> str:
    if not USERID.fullmatch(userid):
        raise refusal(PARAMETER, "1 to 64 of letters, digits and _@!#$&*+=.|¥-")
    return userid


UserId = Annotated[str, AfterValidator(check_userid)]


def _count(userids: Any) -> Any:
    if isinstance(userids, list) and not 1 <= len(userids) <= MAX_USERIDS:
        raise refusal(TOO_MANY, f"userid 数量须为 1 到 {MAX_USERIDS} (1 to {MAX_USERIDS} user ids, not {len(userids)})")
    return userids


def _platform(given: Any) -> Any:
    names = [given] if isinstance(given, str) else given
    known = isinstance(names, list) and names and all(isinstance(n, str) and n in PLATFORMS for n in names)
    if not known and given != "all":
        raise refusal(PLATFORM_WRONG, 'platform 错误 (must be "all", or one or a list of ' + ", ".join(PLATFORMS) + ")")
    return given


def _address(url: str) -> str:
    if not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        raise refusal(PARAMETER, "must be an http or https address")
    return url


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_PARAMS:
        raise refusal(PARAMETER, f"more than {MAX_PARAMS} bytes")
    return value


class AppPara(Strict):
    platform: Annotated[str | list[str], BeforeValidator(_platform)] = ""
    time_to_live: Annotated[int, Field(ge=0, le=864_000)] | None = None
    apns_production: bool | None = None


class Option(Strict):
    sendno: Annotated[str, Field(max_length=64)] = ""
    owner: Annotated[str, Field(max_length=64)] = ""
    black_id: Annotated[int, Field(ge=0)] | None = None
    white_id: Annotated[int, Field(ge=0)] | None = None
    priority: Annotated[int, Field(ge=1, le=3)] = 2

    @model_validator(mode="after")
    def _one_list(self) -> Option:
        if self.black_id is not None and self.white_id is not None:
            raise refusal(BOTH_LISTS, "black_id 与 white_id 不能同时存在 (black_id and white_id exclude each other)")
        return self


class Callback(Strict):
    url: Annotated[str, Field(max_length=2048), AfterValidator(_address)] | None = None
    params: Annotated[dict[str, Any], AfterValidator(_small)] | None = None


class TemplateSend(Strict):
    aud_userid: Annotated[list[UserId], BeforeValidator(_count)]
    template_id: Annotated[int, Field(ge=0)]
    template_para: dict[str, Any] = {}
    app_para: AppPara = AppPara()
    rule_id: Annotated[int, Field(ge=0)] = 0
    option: Option = Option()
    callback: Callback = Callback()

    def request(self, channel: AccessChannel) -> SendRequest:
        return SendRequest(
            channel=channel,
            userids=tuple(dict.fromkeys(self.aud_userid)),
            template=self.template_id,
            template_para=self.template_para,
            app_para=self.app_para.model_dump(exclude_unset=True, exclude_none=True),
            rule_id=self.rule_id,
            sendno=self.option.sendno,
            owner=self.option.owner,
            priority=Priority(self.option.priority),
            black_id=self.option.black_id,
            white_id=self.option.white_id,
            callback=self.callback.model_dump(exclude_none=True),
        )


@route(bp, "/v1/template/sent", "POST", auth=Auth.CHANNEL, shape=ums_error)
def send_template(call: Call) -> dict[str, Any]:
    return _send(call)


@route(bp, "/v1/sent", "POST", auth=Auth.CHANNEL, shape=ums_error)
def send(call: Call) -> dict[str, Any]:
    """UMS's own example posts a template message here."""
    return _send(call, template_only=False)


def _send(call: Call, *, template_only: bool = True) -> dict[str, Any]:
    body = call.json()
    if isinstance(body, Mapping):
        _refuse_what_is_to_come(body, template_only=template_only)
    checked = validate(TemplateSend, body)
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
