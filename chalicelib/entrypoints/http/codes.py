"""Every code that an answer may carry, with its status and what it means. Read by openapi.py alone.

The meaning of UMS's own: docs.jiguang.cn/jums, "message_code" (2021-12-15). Codes 1019xxx are this project's own.
"""

from __future__ import annotations

from collections.abc import Mapping

# Those without a code of their own: the status, and the code that stands in the body.
STATUSES: Mapping[int, tuple[int, str]] = {
    400: (4004, "a parameter is missing, wrong or unknown; the text names the field"),
    401: (4005, "authentication failed"),
    403: (4005, "the caller may not do this, or the receipt could not be verified"),
    404: (4004, "there is no such thing"),
    409: (
        4004,
        "the name or code is taken, it is in use, or somebody else changed it at the same time",
    ),
    412: (4004, "it was changed meanwhile: `If-Match` is not its `ETag` any more"),
    413: (4004, "the body is too large"),
    415: (
        4004,
        "the body's `Content-Type` is not what is taken here: JSON, or a form with a boundary",
    ),
    428: (4004, "`If-Match` is required"),
    429: (1015030, "too many requests"),
    500: (5000, "an error on our side"),
    503: (5000, "nothing was stored, please try again"),
}

CODES: Mapping[int, tuple[int, str]] = {
    1015004: (400, "`aud_userid` is empty or has more than 1000 ids"),
    1015005: (400, "the access channel is closed"),
    1015006: (400, "no delivery channel for App is authorised and enabled"),
    1015007: (400, "no delivery channel for SMS is authorised and enabled"),
    1015008: (400, "no delivery channel for WeChat official accounts is authorised and enabled"),
    1015009: (400, "no delivery channel for WeChat mini-programs is authorised and enabled"),
    1015010: (400, "no delivery channel for e-mail is authorised and enabled"),
    1015011: (400, "no delivery channel for alipay_life is authorised and enabled"),
    1015012: (400, "no delivery channel for dingtalk_cc is authorised and enabled"),
    1015026: (400, "`rule_id`: there is no such strategy, or it is not valid now"),
    1015031: (400, "`template_id`: there is no such template"),
    1015046: (400, "`option.black_id`: there is no such blacklist"),
    1015055: (400, "the message was withdrawn already"),
    1015073: (
        400,
        "`template_id`: the template is not valid now: a channel type in it has no delivery channel that is authorised and enabled",
    ),
    1015084: (
        400,
        "`app_para.platform` is missing, though the template has App content; or that of an element of `msg_app`",
    ),
    1015085: (400, "`platform` is wrong, or stands in two elements of `msg_app`"),
    1015094: (400, "a template message carries `msg_…`"),
    1015095: (400, "`msg_sms`: `temp_id` is no template id"),
    1015097: (400, "`black_id` and `white_id` are both given"),
    1019001: (400, "`rule_id`: the channels of the strategy and of the template or message differ"),
    1019003: (
        400,
        "registration ids: an `aud_…` without its `msg_…` (or content in the template), or the other way round",
    ),
    1019004: (400, "user ids, tags, segments and registration ids are mixed"),
    1019005: (400, "`option.white_id`: there is no such whitelist"),
    1019006: (400, "`aud_segment`: there is no such segment"),
    1019013: (400, "no delivery channel for wechatwk is authorised and enabled"),
    1019014: (400, "no delivery channel for wechatwk_linkedcorp is authorised and enabled"),
    1019031: (
        400,
        "the message was accepted more than 24 hours ago and cannot be withdrawn any more",
    ),
    1019041: (409, "the `Idempotency-Key` was used with another body"),
    1019051: (413, "an attachment too large for a form; the text names the way for larger ones"),
    1019052: (503, "a provider has not given an access token in time"),
}

# What stands beside a single user or item in an answer that is itself a success.
OF_ITEMS: Mapping[int, str] = {
    1019021: "the binding is not the caller's or does not exist",
    1019022: "others changed the user at the same time, again and again: try again",
    1019023: "there is no such user",
}


def status_of(error: int) -> int:
    """Of what a route declares: an HTTP status stands for itself."""
    return error if error < 1000 else CODES[error][0]


def code_of(error: int) -> int:
    return STATUSES[error][0] if error < 1000 else error


def meaning_of(error: int) -> str:
    return STATUSES[error][1] if error < 1000 else CODES[error][1]
