"""The documentation of every code that an answer may carry: its meaning, and an error's status.

Statuses come from the table of errors. Meanings say more than the text of an error, which names
the values of one request.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.warnings import Code
from chalicelib.entrypoints.http.errors import (
    AUTHENTICATION,
    HTTP_REFUSALS,
    NOT_AUTHORISED,
    PARAMETER,
    REFUSALS,
    SCOPE_REFUSED,
    SERVER_ERROR,
    TOO_OFTEN,
    UNKNOWN_USER,
    USER_BUSY,
)

# Errors without a code of their own: the status, and the code in the body.
STATUSES: Mapping[int, tuple[int, str]] = {
    400: (PARAMETER, "a parameter is missing, wrong or unknown; the text names the field"),
    401: (AUTHENTICATION, "authentication failed"),
    403: (AUTHENTICATION, "the caller may not do this, or the webhook could not be verified"),
    404: (PARAMETER, "the thing in the path does not exist"),
    409: (
        PARAMETER,
        "the name or code is taken, the thing is in use, or another request changed it at the same"
        " time",
    ),
    412: (PARAMETER, "another request changed it: `If-Match` is not the current `ETag`"),
    413: (PARAMETER, "the body is too large"),
    415: (
        PARAMETER,
        "the `Content-Type` is not the one that the route takes: JSON, or a form with a boundary",
    ),
    428: (PARAMETER, "`If-Match` is required"),
    429: (TOO_OFTEN, "too many requests"),
    500: (SERVER_ERROR, "an error on our side"),
    503: (SERVER_ERROR, "busy; repeat it under the same `Idempotency-Key`"),
}

_CHANNEL_NAMES = {
    ChannelType.APP: "App",
    ChannelType.SMS: "SMS",
    ChannelType.WECHATOA: "WeChat official accounts",
    ChannelType.WECHATMP: "WeChat mini-programs",
    ChannelType.EMAIL: "e-mail",
}
_NO_CHANNEL = {
    code: f"no delivery channel for {_CHANNEL_NAMES.get(type, type)} is authorised and enabled"
    for type, code in NOT_AUTHORISED.items()
}

_MEANINGS: Mapping[int, str] = {
    1015004: "`aud_userid` is empty or has more than 1000 ids",
    1015005: "the access channel is closed",
    1015023: "`option.owner`: must name a member, because the access channel reviews what comes by"
    " API",
    1015026: "`rule_id`: the strategy does not exist, or is not valid now",
    1015029: "the access channel's [broadcasts of today](sending-rules.md#broadcast-quota) are used"
    " up",
    1015030: "too many requests, or too many wrong passwords or codes of a member",
    1015031: "`template_id`: the template does not exist",
    1015034: "a content or a value has a [sensitive word](sending-rules.md#sensitive-words); the"
    " text names the field, the word and its place",
    1015038: "the access channel has [quiet hours](sending-rules.md#quiet-hours) now",
    1015046: "`option.black_id`: the blacklist does not exist",
    1015073: "`template_id`: the template is not valid now: one of its channel types has no"
    " delivery channel that is authorised and enabled",
    1015084: "`platform` is missing: in `app_para` if the template has App content, or in an"
    " element of `msg_app`",
    1015085: "`platform` is wrong, or two elements of `msg_app` name the same one",
    1015094: "a template message carries `msg_…`",
    1015095: "`msg_sms`: `temp_id` is not a template id",
    1015097: "`black_id` and `white_id` are both present",
    1019001: "`rule_id`: the channels of the strategy and of the template or message differ",
    1019003: "registration ids: an `aud_…` without its `msg_…` (or content in the template), or the"
    " other way round",
    1019004: "users (ids, tags, segments) and registration ids are mixed",
    1019005: "`option.white_id`: the whitelist does not exist",
    1019006: "`aud_segment`: the segment does not exist",
    1019007: "`option.topic`: the topic does not exist",
    1019008: "the provider no longer has the"
    " [third-party template](third-party-templates.md) or signature that a content names",
    1019031: "the message was accepted more than 24 hours ago and cannot be withdrawn any more",
    1019041: "the `Idempotency-Key` was used with another body",
    1019071: "the review has a level at which nobody may approve but who asks",
    1019051: "the attachment is too large for a form; the text names the route for larger ones",
    1019052: "the provider did not return an access token in time",
    1019081: "the [A/B test](sending-rules.md#ab-tests) is not over, so that nobody chooses a"
    " variant or changes a message",
    1019061: "`callback.url` is not one of the callback addresses of the access channel",
    **_NO_CHANNEL,
}
_ENTRIES = {entry.code: entry for entry in (*REFUSALS.values(), *HTTP_REFUSALS)}
_OWN_CODES = {code for code in (*_ENTRIES, *NOT_AUTHORISED.values()) if code > 5000}

# Business codes, each with its status.
CODES: Mapping[int, tuple[int, str]] = {
    code: (
        _ENTRIES[code].status if code in _ENTRIES else 400,
        _MEANINGS.get(code) or _ENTRIES[code].english,
    )
    for code in sorted(_OWN_CODES)
}

# Codes of a single user or item in an answer that is itself a success.
OF_ITEMS: Mapping[int, str] = {
    SCOPE_REFUSED: "the binding is not the caller's or does not exist",
    USER_BUSY: "other requests kept changing the user at the same time; retry",
    UNKNOWN_USER: "the user does not exist",
}

# Codes of warnings.
WARNINGS: Mapping[Code, str] = {
    Code.NOT_AUTHORISED: "a channel type of a strategy has no delivery channel now",
    Code.DUE_TOGETHER: "a step is due no later than the step before",
    Code.SHORT_TIME: "the time of a condition is shorter than receipts of the platform usually"
    " take",
    Code.SHORT_TIME_MEASURED: "likewise, by the receipts of the last 30 days",
    Code.CLICKS_IN_PART: "some delivery channels of a type report clicks, and others do not",
    Code.ACCEPTED_ONLY: "a channel counts as delivered when its platform accepts the message",
    Code.NO_DELIVERIES: "a channel does not report deliveries, so a condition always holds",
    Code.NOT_EVERYWHERE: "a variable is not in the contents of each channel type",
    Code.NOT_A_VARIABLE: "a value is given for a variable that no content has",
    Code.NO_DEFAULT: "an attribute of users has no default in the template",
    Code.LINK_BESIDE_LETTER: "a link touches a letter or Chinese punctuation",
    Code.LONG_TEXT: "a text is long for its channel type",
    Code.PAUSED: "a delivery channel of the message is paused",
    Code.NO_LINK: "a condition on clicks, and a content without a link that counts them",
    Code.NO_EFFECT: "a strategy, and registration ids, on which it has no effect",
    Code.UNKNOWN_ATTRIBUTE: "no user in the sample has the attribute of a segment's condition",
    Code.UNKNOWN_EVENT: "no user in the sample had the event of a segment's condition",
    Code.OTHER_TYPE: "no user in the sample has a value that a segment's condition can compare",
}


def status_of(error: int) -> int:
    """Return the status of an error that a route declares. An HTTP status stands for itself."""
    return error if error < 1000 else CODES[error][0]


def code_of(error: int) -> int:
    return STATUSES[error][0] if error < 1000 else error


def meaning_of(error: int) -> str:
    return STATUSES[error][1] if error < 1000 else CODES[error][1]
