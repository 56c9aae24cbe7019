"""Errors of the wire: a refusal with its code, and the texts of domain errors.

Inside, `flow/` and `manage/` raise domain errors (domain/errors.py), which know neither codes nor
texts. `REFUSALS` is the one table that maps each class to a UMS code, an HTTP status and texts in
Chinese and English. UMS's own codes: docs.jiguang.cn/jums, "message_code" (2021-12-15). Codes
1019xxx are this project's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain import errors
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import OpenUMSError, Refusal

PARAMETER, AUTHENTICATION, SERVER_ERROR, TOO_OFTEN = 4004, 4005, 5000, 1015030

# UMS has no codes for WeCom, hence two of this project's own.
NOT_AUTHORISED = {
    ChannelType.APP: 1015006,
    ChannelType.SMS: 1015007,
    ChannelType.WECHATOA: 1015008,
    ChannelType.WECHATMP: 1015009,
    ChannelType.EMAIL: 1015010,
    ChannelType.ALIPAY_LIFE: 1015011,
    ChannelType.DINGTALK_CC: 1015012,
    ChannelType.WECHATWK: 1019013,
    ChannelType.WECHATWK_LINKEDCORP: 1019014,
}


class Refused(OpenUMSError):
    """A request that is answered with an error. `code`: UMS's or this project's business code."""

    def __init__(self, code: int, message: str, *, field: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.field, self.status = code, message, field, status

    @property
    def errors(self) -> Sequence[tuple[str, str]]:
        """The wrong fields with their reasons."""
        return [(self.field, self.message)] if self.field else []


class Text(NamedTuple):
    """Code, status and texts of a domain error. Braces in the texts are filled from its values."""

    code: int
    status: int
    chinese: str
    english: str


_NO_CHANNEL = "no delivery channel for {types} is authorised and enabled"

REFUSALS: Mapping[type[Refusal], Text] = {
    errors.NotFound: Text(PARAMETER, 404, "不存在", "no such {what}"),
    errors.Taken: Text(PARAMETER, 409, "已被使用", "{what} has this {field} already"),
    errors.InUse: Text(
        PARAMETER, 409, "已授权给 {by}, 请先取消授权", "cannot delete: still authorised for {by}"
    ),
    errors.DefaultLabel: Text(
        PARAMETER, 409, "默认标签不能删除", "is the default; make another label the default first"
    ),
    errors.OwnRights: Text(
        PARAMETER,
        409,
        "不能修改自己的角色、停用或删除自己",
        "you cannot change your own role, or disable or delete yourself",
    ),
    errors.NotServed: Text(PARAMETER, 409, "当前部署不支持该平台", "{reason}"),
    errors.NotAuthorised: Text(
        PARAMETER,
        400,
        "没有可用的通道",
        "no delivery channel for {channel_type} is authorised and enabled",
    ),
    errors.UnknownBlacklist: Text(1015046, 400, "不存在", "{number} does not exist"),
    errors.UnknownWhitelist: Text(1019005, 400, "不存在", "{number} does not exist"),
    errors.UnknownSegment: Text(1019006, 400, "不存在", "{number} does not exist"),
    errors.UnknownTemplate: Text(1015031, 400, "模板ID不存在", "template {number} does not exist"),
    errors.UnknownTemplateVersion: Text(
        PARAMETER, 400, "模板版本不存在", "template {number} has no version {version}"
    ),
    errors.TemplateClosed: Text(1015073, 400, "通用模板已失效", _NO_CHANNEL),
    errors.UnknownStrategy: Text(
        1015026, 400, "发送策略已失效", "strategy {number} does not exist"
    ),
    errors.StrategyClosed: Text(1015026, 400, "发送策略已失效", _NO_CHANNEL),
    errors.StrategyDiffers: Text(
        1019001,
        400,
        "发送策略的通道与内容不一致",
        "the strategy's channels and the {of}'s channels must be the same",
    ),
    errors.ContentMissing: Text(1019003, 400, "缺少 {needs}", "needs {needs}"),
    errors.PlatformMissing: Text(1015084, 400, "缺失", "is required{why}"),
    errors.PlatformWrong: Text(
        1015085, 400, "platform 错误", 'must be "all", or one or a list of {platforms}'
    ),
    errors.PlatformRepeated: Text(
        1015085,
        400,
        "{platform} 重复",
        "{platform} stands in another element too: it would be sent twice",
    ),
    errors.SmsTemplateWrong: Text(1015095, 400, "短信模板ID错误", "{reason}"),
    errors.ContentTooLarge: Text(
        PARAMETER, 400, "内容超过 {limit} 字节", "the contents exceed {limit} bytes"
    ),
    errors.WithdrawnAlready: Text(
        1015055, 400, "消息已经被撤回", "the message was withdrawn already"
    ),
    errors.TooLateToWithdraw: Text(
        1019031,
        400,
        "只能撤回{hours}小时内的消息",
        "the message was accepted more than {hours} hours ago",
    ),
    errors.KeyReused: Text(1019041, 409, "已用于另一个请求", "was used with another body"),
    errors.NoMessageId: Text(SERVER_ERROR, 503, "请重试", "could not allocate a message id; retry"),
    errors.TokenUnsupported: Text(
        PARAMETER, 400, "{platform} 没有 access token", "{platform} does not use access tokens"
    ),
    errors.NoToken: Text(
        1019052,
        503,
        "未能及时取得 access token, 请重试",
        "the provider did not return a token within {seconds} s{code}; retry",
    ),
}


def refused(error: Refusal) -> Refused:
    """Return a domain error as UMS words it: `field: Chinese (English)`."""
    entry = REFUSALS[type(error)]
    chinese, english = texts(error)
    text = english if type(error) is errors.NotFound else f"{chinese} ({english})"
    if error.field:
        text = f"{error.field}: {text}"
    return Refused(code_of(error), text, field=error.field, status=entry.status)


def texts(error: Refusal) -> tuple[str, str]:
    """Return the texts of a domain error, filled: Chinese and English."""
    entry = REFUSALS[type(error)]
    values = {name: _shown(name, value) for name, value in error.values.items()}
    values["field"] = error.field
    return entry.chinese.format_map(values), entry.english.format_map(values)


def code_of(error: Refusal) -> int:
    if isinstance(error, errors.NotAuthorised):
        return NOT_AUTHORISED[ChannelType(error.channel_type)]
    return REFUSALS[type(error)].code


_SHOWN: Mapping[str, Callable[[Any], str]] = {
    "why": lambda why: f": {why}" if why else "",
    "code": lambda code: f" (it says {code})" if code else "",
}


def _shown(name: str, value: Any) -> str:
    if name in _SHOWN:
        return _SHOWN[name](value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(part) for part in value)
    return str(value)
