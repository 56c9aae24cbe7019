"""Bodies and responses of sends."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, RootModel, model_validator

from chalicelib.domain import pushes
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import PlatformWrong
from chalicelib.entrypoints.http.bodies import as_written
from chalicelib.entrypoints.http.errors import BOTH_LISTS, PARAMETER, REFUSALS
from chalicelib.entrypoints.http.schemas.audiences import Audience
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Sparse,
    either,
    none_for,
    refusal,
    refusal_by,
)
from chalicelib.entrypoints.http.schemas.schedules import Schedule
from chalicelib.flow.requests import SendRequest

MAX_PARAMS = 4096  # bytes of callback.params
MAX_ELEMENTS = 10  # of a msg_xxx


def _platform(value: Any) -> Any:
    if value in ("", []):  # none, of clients with typed fields
        return ""
    if not pushes.is_platform(value):
        raise refusal_by(REFUSALS[PlatformWrong], platforms=pushes.PLATFORMS)
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_PARAMS:
        raise refusal(PARAMETER, f"more than {MAX_PARAMS} bytes", f"超过 {MAX_PARAMS} 字节")
    return value


def _url(value: str) -> str:
    """Check the form only. The access channel has to have this address."""
    try:
        has_host = bool(urlsplit(value).hostname)
    except ValueError:
        has_host = False
    if not has_host or not re.fullmatch(r"https?://[\x21-\x7e]+", value):
        raise refusal(PARAMETER, "must be an http(s) URL", "须为 http(s) 地址")
    return value


# Of fields that a kind of send does not have. Who names no user ids does not mean everyone.
NO_CONTENTS, NO_AUDIENCE = "msg_", "aud_(?!userid$)"

OptionalId = Annotated[int, Field(ge=0)] | None


class AppPara(Sparse):
    platform: Annotated[str | list[str], BeforeValidator(_platform)] = ""
    time_to_live: Annotated[int, Field(ge=0, le=864_000)] | None = None
    apns_production: bool | None = None


class Option(Sparse):
    sendno: Annotated[str, Field(max_length=64)] = ""
    owner: Annotated[str, Field(max_length=64)] = ""
    name: Annotated[str, Field(max_length=64)] = ""
    black_id: Annotated[OptionalId, none_for(0)] = None
    white_id: Annotated[OptionalId, none_for(0)] = None
    priority: Annotated[int, Field(ge=0, le=3)] = 2
    topic: Annotated[int, Field(ge=0)] = 0
    label: Annotated[
        str,
        Field(max_length=30),
    ] = ""
    template_version: Annotated[Annotated[int, Field(ge=0, le=999_999)] | None, none_for(0)] = None
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Option:
        if self.black_id is not None and self.white_id is not None:
            raise refusal_by(BOTH_LISTS)
        return self


class Callback(Sparse):
    url: Annotated[
        Annotated[str, Field(max_length=2048), AfterValidator(_url)] | None, none_for("")
    ] = None
    params: Annotated[dict[str, Any], AfterValidator(_small)] | None = None


class Common(Sparse):
    """The fields that every send may have."""

    model_config = ConfigDict(loc_by_alias=True)

    rule_id: Annotated[int, Field(ge=0)] = 0
    option: Option = Option()
    callback: Callback = Callback()

    def common(self, channel: AccessChannel) -> dict[str, Any]:
        return {
            "channel": channel,
            "rule_id": self.rule_id,
            "sendno": self.option.sendno,
            "owner": self.option.owner,
            "name": self.option.name,
            "label": self.option.label,
            "topic": self.option.topic,
            "priority": Priority(self.option.priority or Priority.MEDIUM),
            "black_id": self.option.black_id,
            "white_id": self.option.white_id,
            "callback": self.callback.model_dump(exclude_none=True),
            "timing": self.option.schedule.timing() if self.option.schedule else None,
        }


class OfTemplate(Common):
    template_id: Annotated[int, Field(ge=0)]
    template_para: dict[str, Any] = {}
    app_para: AppPara = AppPara()

    def content(self) -> dict[str, Any]:
        app_para = self.app_para.model_dump(exclude_unset=True, exclude_none=True)
        version = self.option.template_version
        return {
            "template": self.template_id,
            "template_version": version,
            "template_para": self.template_para,
            "app_para": app_para,
        }


Element = Annotated[dict[str, Any], AfterValidator(as_written)]
Elements = Annotated[Annotated[list[Element], Field(max_length=MAX_ELEMENTS)] | None, none_for([])]


class Ordinary(Common):
    """A message with its own contents: the `msg_xxx` that it has decide its channels.

    The platforms that deliver an element check it. A `template_id` of 0 stands for none.
    """

    template_id: Annotated[int, Field(ge=0, le=0)] = 0
    msg_app: Elements = None
    msg_wechatoa: Elements = None
    msg_wechatmp: Elements = None
    msg_sms: Elements = None
    msg_email: Elements = None
    msg_alipay_life: Elements = either("msg_alipay_life", "msg_alipaylife")
    msg_dingtalk_cc: Elements = either("msg_dingtalk_cc", "msg_dingtalkcc")
    msg_wechatwk: Elements = None

    @model_validator(mode="after")
    def _something(self) -> Ordinary:
        if not self.contents():
            raise refusal(
                PARAMETER, "a message needs msg_app, msg_sms … or template_id", "msg_xxx 缺失"
            )
        if self.option.template_version is not None:
            raise refusal(
                PARAMETER,
                "option.template_version: an ordinary message does not have a template",
                "option.template_version：普通消息没有模板",
            )
        return self

    def contents(self) -> dict[ChannelType, list[dict[str, Any]]]:
        named = {kind: getattr(self, f"msg_{kind}", None) for kind in ChannelType}
        return {kind: elements for kind, elements in named.items() if elements is not None}

    def content(self) -> dict[str, Any]:
        """Return the contents by channel type. The elements for an app become one push."""
        contents: dict[ChannelType, Any] = dict(self.contents())
        app_para: dict[str, Any] = {}
        if ChannelType.APP in contents:
            push, app_para["platform"] = pushes.one_push(contents[ChannelType.APP])
            contents[ChannelType.APP] = [push]
        return {"contents": contents, "app_para": app_para}


class TemplateSend(OfTemplate, Audience):
    """A template message to the targets that the `aud_…` fields name."""

    emptied: ClassVar[str] = NO_CONTENTS

    def request(self, channel: AccessChannel) -> SendRequest:
        return SendRequest(**self.common(channel), **self.content(), **self.targets())


class TemplateBroadcast(OfTemplate):
    """A template message to everyone."""

    emptied: ClassVar[str] = f"{NO_CONTENTS}|{NO_AUDIENCE}"

    def request(self, channel: AccessChannel) -> SendRequest:
        return SendRequest(**self.common(channel), **self.content(), everyone=True)


class OrdinarySend(Ordinary, Audience):
    """An ordinary message to the targets that the `aud_…` fields name."""

    def request(self, channel: AccessChannel) -> SendRequest:
        return SendRequest(**self.common(channel), **self.content(), **self.targets())


class OrdinaryBroadcast(Ordinary):
    """An ordinary message to everyone."""

    emptied: ClassVar[str] = NO_AUDIENCE

    def request(self, channel: AccessChannel) -> SendRequest:
        return SendRequest(**self.common(channel), **self.content(), everyone=True)


class AnySend(RootModel[TemplateSend | OrdinarySend]):
    """A template message if the body has `template_id`, otherwise an ordinary one."""


class AnyBroadcast(RootModel[TemplateBroadcast | OrdinaryBroadcast]):
    """A template message if the body has `template_id`, otherwise an ordinary one."""


class Accepted(Answer):
    """An accepted message. `msgid` and `msgno` are equal.

    `sendno` is present if the request had it.
    """

    code: int
    msgid: str
    msgno: str
    sendno: str | None = None


class Done(Answer):
    code: int
    message: str
