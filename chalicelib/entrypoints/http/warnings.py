"""The one table of the sentences of warnings, in Chinese and English.

errors.py has those of errors. Braces are filled from the values of a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.warnings import Code, Warning
from chalicelib.entrypoints.http.language import Language, Text
from chalicelib.entrypoints.http.sentences import filled

TEXTS: Mapping[Code, Text] = {
    Code.NOT_AUTHORISED: Text(
        "no delivery channel for {channel_type} is authorised and enabled",
        "没有已授权且启用的 {channel_type} 通道",
    ),
    Code.DUE_TOGETHER: Text(
        "is due no later than the step before, so both run together",
        "不晚于上一步，两步会同时执行",
    ),
    Code.SHORT_TIME: Text(
        "most receipts of {channel_type} take up to {delay} s,"
        " so {within} s are too short for many people",
        "{channel_type} 的多数回执最长需要 {delay} 秒，{within} 秒对许多用户太短",
    ),
    Code.SHORT_TIME_MEASURED: Text(
        "most receipts of {channel_type} take up to {delay} s (measured in the last {days} days),"
        " so {within} s are too short for many people",
        "近 {days} 天 {channel_type} 的多数回执最长用了 {delay} 秒，{within} 秒对许多用户太短",
    ),
    Code.CLICKS_IN_PART: Text(
        "some delivery channels for {channel_type} do not report clicks",
        "部分 {channel_type} 通道不报告点击",
    ),
    Code.ACCEPTED_ONLY: Text(
        "{channel_type} counts as delivered when its platform accepts the message,"
        " so the step runs only for people whom the platform refuses",
        "{channel_type} 在平台接受消息时即算送达，这一步只对平台拒绝的用户执行",
    ),
    Code.NO_DELIVERIES: Text(
        "{channel_type} does not report deliveries, so the condition holds for everybody",
        "{channel_type} 不报告送达，条件对所有用户都成立",
    ),
    Code.NOT_EVERYWHERE: Text("only in {types}", "只在 {types} 的内容里"),
    Code.NOT_A_VARIABLE: Text("no content has this variable", "没有内容使用这个变量"),
    Code.NO_DEFAULT: Text(
        "has no default, so users without this attribute get nothing",
        "没有默认值，缺少该属性的用户收不到消息",
    ),
    Code.LINK_BESIDE_LETTER: Text(
        "{name} is a link beside a letter; phones take the letter into the link,"
        " so put a space between them",
        "链接 {name} 紧挨着文字，手机会把文字当成链接的一部分，请在中间加空格",
    ),
    Code.LONG_TEXT: Text(
        "a text of {length} characters; more than {most} may be cut off or refused",
        "有 {length} 个字符的文本，超过 {most} 个时可能被截断或拒绝",
    ),
    Code.PAUSED: Text("the delivery channel is paused", "通道已暂停"),
    Code.NO_LINK: Text(
        "the strategy asks for clicks, and the content has no link that counts them",
        "发送策略以点击为条件，而内容里没有可统计点击的链接",
    ),
    Code.NO_EFFECT: Text(
        "a strategy has no effect on registration ids", "发送策略对 registration id 不起作用"
    ),
    Code.UNKNOWN_ATTRIBUTE: Text(
        "no user in the sample has this attribute", "样本中没有用户有该属性"
    ),
    Code.UNKNOWN_EVENT: Text("no user in the sample had this event", "样本中没有用户发生过该事件"),
    Code.OTHER_TYPE: Text(
        "no user in the sample has a value that compares so", "样本中没有用户的值可以这样比较"
    ),
}


def told(warnings: Iterable[Warning], language: Language) -> dict[str, Any]:
    """Return the fields of an answer for warnings: as texts, and with their codes."""
    details = shown(warnings, language)
    return {
        "warnings": [f"{one['field']}: {one['message']}" for one in details],
        "warning_details": details,
    }


def shown(warnings: Iterable[Warning], language: Language) -> list[dict[str, str]]:
    """Return warnings as objects, with their sentences in a language."""
    return [
        {
            "field": field,
            "code": code.value,
            "message": filled(TEXTS[code], values).in_language(language),
        }
        for field, code, values in warnings
    ]
