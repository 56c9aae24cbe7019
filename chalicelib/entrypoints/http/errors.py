"""Errors of the wire: a refusal with its code, and the one table of codes, statuses and texts.

Inside, `flow/` and `manage/` raise domain errors (domain/errors.py), which know neither codes nor
texts. `REFUSALS` maps each of their classes to a UMS code, an HTTP status and texts in Chinese and
English. The entries below it are for refusals of the HTTP layer itself. UMS's own codes:
docs.jiguang.cn/jums, "message_code" (2021-12-15). Codes 1019xxx are this project's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain import errors
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Refusal
from chalicelib.domain.limits import MAX_USERS
from chalicelib.domain.sandbox import SandboxSilent
from chalicelib.entrypoints.http.entries import Entry as Entry
from chalicelib.entrypoints.http.entries import FieldError as FieldError
from chalicelib.entrypoints.http.entries import Refused as Refused

PARAMETER, AUTHENTICATION, SERVER_ERROR, TOO_OFTEN = 4004, 4005, 5000, 1015030

# UMS does not have codes for WeCom, hence two codes of this project.
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

# Codes of a single user in an answer that is itself a success. UMS does not publish its own.
SCOPE_REFUSED, USER_BUSY, UNKNOWN_USER = 1019021, 1019022, 1019023


_NO_CHANNEL = "no delivery channel for {types} is authorised and enabled"

REFUSALS: Mapping[type[Refusal], Entry] = {
    errors.NotFound: Entry(PARAMETER, 404, "不存在", "no such {what}"),
    errors.ForgedToken: Entry(PARAMETER, 404, "不存在", "no such {what}"),
    errors.Taken: Entry(PARAMETER, 409, "已被使用", "{what} has this {field} already"),
    errors.PlaceholderWrong: Entry(
        PARAMETER,
        400,
        "变量为两个左花括号、名称、两个右花括号，名称为字母、数字、_ . - 和中文，最多 64 个字符",
        "a variable is a name between two braces on each side:"
        " letters, digits, _ . - and Chinese, at most 64",
    ),
    errors.InUse: Entry(
        PARAMETER, 409, "已授权给 {by}，请先取消授权", "cannot delete: still authorised for {by}"
    ),
    errors.DefaultLabel: Entry(
        PARAMETER, 409, "默认标签不能删除", "is the default; make another label the default first"
    ),
    errors.DefaultAddress: Entry(
        PARAMETER,
        409,
        "默认回调地址不能删除",
        "is the default; make another address the default first",
    ),
    errors.OwnRights: Entry(
        PARAMETER,
        409,
        "不能修改自己的角色、停用或删除自己",
        "you cannot change your own role, or disable or delete yourself",
    ),
    errors.WrongPassword: Entry(AUTHENTICATION, 401, "名字或密码不对", "wrong name or password"),
    errors.WrongCode: Entry(AUTHENTICATION, 401, "验证码不对", "the code is wrong"),
    errors.TooOften: Entry(
        TOO_OFTEN, 429, "错误次数过多，请 {seconds} 秒后重试", "retry in {seconds} s"
    ),
    errors.NotServed: Entry(PARAMETER, 409, "{reason}", "{reason}"),
    SandboxSilent: Entry(
        SERVER_ERROR,
        503,
        "沙箱没有应答（{reason}），请重试",
        "the sandbox does not answer ({reason}); retry",
    ),
    errors.NotAuthorised: Entry(
        PARAMETER,
        400,
        "没有可用的通道",
        "no delivery channel for {channel_type} is authorised and enabled",
    ),
    errors.UnknownBlacklist: Entry(1015046, 400, "不存在", "{number} does not exist"),
    errors.UnknownWhitelist: Entry(1019005, 400, "不存在", "{number} does not exist"),
    errors.UnknownSegment: Entry(1019006, 400, "不存在", "{number} does not exist"),
    errors.UnknownTopic: Entry(1019007, 400, "不存在", "{number} does not exist"),
    errors.UnknownTemplate: Entry(1015031, 400, "模板ID不存在", "template {number} does not exist"),
    errors.UnknownTemplateVersion: Entry(
        PARAMETER, 400, "模板版本不存在", "template {number} has no version {version}"
    ),
    errors.TemplateClosed: Entry(1015073, 400, "通用模板已失效", _NO_CHANNEL),
    errors.ThirdPartyInvalid: Entry(
        1019008,
        400,
        "第三方平台已没有该模板或签名 {id}（通道 {channel}）",
        "the provider of {channel} no longer has the {what} {id}; refresh, or choose another",
    ),
    errors.UnknownStrategy: Entry(
        1015026, 400, "发送策略已失效", "strategy {number} does not exist"
    ),
    errors.StrategyClosed: Entry(1015026, 400, "发送策略已失效", _NO_CHANNEL),
    errors.StrategyDiffers: Entry(
        1019001,
        400,
        "发送策略的通道与内容不一致",
        "the strategy's channels and the {of}'s channels must be the same",
    ),
    errors.ContentMissing: Entry(1019003, 400, "缺少 {needs}", "needs {needs}"),
    errors.PlatformMissing: Entry(1015084, 400, "缺失", "is required{why}"),
    errors.PlatformWrong: Entry(
        1015085, 400, "platform 错误", 'must be "all", or one or a list of {platforms}'
    ),
    errors.PlatformRepeated: Entry(
        1015085,
        400,
        "{platform} 重复",
        "another element names {platform} too: it would be sent twice",
    ),
    errors.SmsTemplateWrong: Entry(1015095, 400, "短信模板 ID 错误：{reason}", "{reason}"),
    errors.ContentTooLarge: Entry(
        PARAMETER, 400, "内容超过 {limit} 字节", "the contents exceed {limit} bytes"
    ),
    errors.AccessChannelClosed: Entry(1015005, 400, "渠道已关闭", "the access channel is closed"),
    errors.NeverDue: Entry(PARAMETER, 400, "没有未来的发送时间", "has no time in the future"),
    errors.UsersNeeded: Entry(
        PARAMETER,
        400,
        "按用户属性定时需要用户目标，不能使用 registration id",
        "asks for attributes of users, and registration ids are not users",
    ),
    errors.OwnerWrong: Entry(
        1015023,
        400,
        "开启了 API 审核，请正确填写 owner",
        "must name a member, because the access channel reviews what comes by API",
    ),
    errors.ReviewerMissing: Entry(
        1019071,
        400,
        "除申请人外没有可以审核的人",
        "nobody but who asks may approve at a level of the review",
    ),
    errors.NotWaiting: Entry(PARAMETER, 409, "已结束（{state}）", "it waits no more: {state}"),
    errors.BeingSent: Entry(
        PARAMETER, 409, "已到发送时间，不能修改", "its time has come, so that it is being sent"
    ),
    errors.StillTesting: Entry(
        1019081,
        409,
        "A/B 测试尚未结束",
        "the A/B test is not over; its end decides, or cancel it first",
    ),
    errors.NotReviewer: Entry(
        PARAMETER,
        409,
        "你不是当前级别的审核人，或是申请人",
        "you are not a reviewer of the level that decides now, or you asked yourself",
    ),
    errors.UnknownCallbackAddress: Entry(
        1019061,
        400,
        "不是该渠道的回调地址",
        "{url} is not a callback address of the access channel",
    ),
    errors.SensitiveWord: Entry(
        1015034,
        400,
        "含有敏感词「{word}」（第 {first} 至 {last} 个字符）",
        'contains the sensitive word "{word}" (characters {first} to {last})',
    ),
    errors.WordsGone: Entry(
        SERVER_ERROR, 503, "敏感词无法读取，请重试", "the sensitive words cannot be read; retry"
    ),
    errors.QuietHours: Entry(
        1015038,
        400,
        "免打扰时段，到 {until} 为止",
        "quiet hours of the access channel, which end at {until}",
    ),
    errors.BroadcastsUsedUp: Entry(
        1015029,
        400,
        "今日广播次数已用完，每天最多 {limit} 次",
        "the broadcasts of today are used up: {limit} a day",
    ),
    errors.StillSending: Entry(
        PARAMETER,
        409,
        "消息还在发送，请先撤回",
        "the message is still being sent; withdraw it first",
    ),
    errors.WithdrawnAlready: Entry(
        1015055, 400, "消息已经被撤回", "the message was withdrawn already"
    ),
    errors.TooLateToWithdraw: Entry(
        1019031,
        400,
        "只能撤回{hours}小时内的消息",
        "the message was accepted more than {hours} hours ago",
    ),
    errors.ImportEnded: Entry(PARAMETER, 409, "导入已结束", "the import has ended"),
    errors.KeyReused: Entry(1019041, 409, "已用于另一个请求", "was used with another body"),
    errors.NoMessageId: Entry(
        SERVER_ERROR, 503, "请重试", "could not allocate a message id; retry"
    ),
    errors.TokenUnsupported: Entry(
        PARAMETER, 400, "{platform} 没有 access token", "{platform} does not use access tokens"
    ),
    errors.NoToken: Entry(
        1019052,
        503,
        "未能及时取得 access token，请重试",
        "the provider did not return a token within {seconds} s{code}; retry",
    ),
}

UNKNOWN_KEY = Entry(
    AUTHENTICATION, 401, "认证失败", "authentication failed: unknown key or wrong secret"
)
NO_ROLE = Entry(AUTHENTICATION, 403, "无权限", "this needs the role {role}")
NO_ROUTE = Entry(PARAMETER, 404, "没有这个路径或方法", "no such path or method")
UNVERIFIED = Entry(AUTHENTICATION, 403, "未通过验证", "not verified")
CHANNEL_CLOSED = Entry(1015005, 400, "渠道已关闭", "the access channel is closed")
TOO_MANY_REQUESTS = Entry(
    TOO_OFTEN, 429, "API 调用超过频率限制", "more than {limit} requests in this second"
)
TOO_MANY_GUESSES = Entry(
    TOO_OFTEN,
    429,
    "认证失败次数过多，请 {seconds} 秒后重试",
    "too many wrong secrets; retry in {seconds} s",
)
ALLOWANCE_USED_UP = Entry(
    TOO_OFTEN,
    429,
    "本小时的 {most} 次已用完，请 {seconds} 秒后重试",
    "more than {most} in this hour; retry in {seconds} s",
)
TOO_MANY_CHANGES = Entry(
    TOO_OFTEN,
    429,
    "本秒内已变更 {most} 个用户，请稍后重试",
    "more than {most} users changed in this second; retry later",
)
CONTACT_IN_ADDRESS = Entry(
    PARAMETER,
    400,
    "不能放在地址里，请用 POST /admin/v1/users/search",
    "must not be in an address; use POST /admin/v1/users/search",
)
BUSY = Entry(SERVER_ERROR, 503, "系统繁忙，请 {seconds} 秒后重试", "busy; retry in {seconds} s")
BODY_TOO_LARGE = Entry(PARAMETER, 413, "超过 {limit} 字节", "more than {limit} bytes")
FORM_TOO_LARGE = Entry(
    1019051,
    413,
    "超过 {limit} 字节",
    "more than {limit} bytes; upload a larger file as POST /v1/material/upload says",
)
WRONG_MEDIA = Entry(PARAMETER, 415, "不支持", "must be {media}")
NO_VERSION = Entry(
    PARAMETER, 428, "缺失", "is required: the ETag of the version that you want to change"
)
WRONG_VERSION = Entry(PARAMETER, 412, "不是有效的 ETag", "not a valid ETag")
CHANGED_MEANWHILE = Entry(
    PARAMETER, 409, "已被其他请求修改，请重试", "changed by another request at the same time; retry"
)
FAULT = Entry(SERVER_ERROR, 500, "服务器错误", "an error on our side, please try again")
TOO_MANY_USERIDS = Entry(
    1015004,
    400,
    f"userid 数量须为 1 到 {MAX_USERS}",
    f"1 to {MAX_USERS} user ids, not {{number}}",
)
MIXED_TARGETS = Entry(
    1019004,
    400,
    "{name}：不能与 registration id 混用",
    "{name}: users and registration ids cannot be mixed",
)
BOTH_LISTS = Entry(
    1015097,
    400,
    "black_id 与 white_id 不能同时存在",
    "black_id and white_id exclude each other",
)
CONTENT_OF_TEMPLATE = Entry(
    1015094, 400, "模板消息不能携带 msg_xxx", "a template message must not carry it"
)

HTTP_REFUSALS = (  # with a business code of their own
    CHANNEL_CLOSED,
    FORM_TOO_LARGE,
    TOO_MANY_USERIDS,
    MIXED_TARGETS,
    BOTH_LISTS,
    CONTENT_OF_TEMPLATE,
)


def refused(error: Refusal) -> Refused:
    """Return a domain error with its code, status and texts."""
    answer = REFUSALS[type(error)].refuse(error.field, **error.values)
    if isinstance(error, errors.NotAuthorised):
        answer.code = NOT_AUTHORISED[ChannelType(error.channel_type)]
    return answer
