"""Bodies of sends, and what they are answered."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chalicelib.domain.channels import AccessChannel, Priority
from chalicelib.entrypoints.bodies import PARAMETER
from chalicelib.entrypoints.shapes.base import MAX_USERIDS, Answer, Strict, UserId, refusal
from chalicelib.flow import submit

# docs.jiguang.cn/jums, "message_code" (2021-12-15); 1019xxx are our own.
TOO_MANY, PLATFORM_WRONG, BOTH_LISTS = 1015004, 1015085, 1015097

MAX_PARAMS = 4096  # bytes of callback.params
PLATFORMS = ("android", "ios", "quickapp", "web", "hmos")


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

    def request(self, channel: AccessChannel) -> submit.SendRequest:
        return submit.SendRequest(
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


class Accepted(Answer):
    """`msgid` and `msgno` are the same; `sendno` is there if it was given."""

    code: int
    msgid: str
    msgno: str
    sendno: str | None = None
