"""The page of preferences as HTML, in Chinese or English, for people without an account."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.topics import Topic
from chalicelib.entrypoints.http.language import Language, Text
from chalicelib.flow.preferences import Page

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

KINDS: Mapping[ChannelType, Text] = {
    ChannelType.APP: Text("App", "App 推送"),
    ChannelType.WECHATOA: Text("WeChat official account", "微信公众号"),
    ChannelType.WECHATMP: Text("WeChat mini-program", "微信小程序"),
    ChannelType.SMS: Text("SMS", "短信"),
    ChannelType.EMAIL: Text("E-mail", "邮件"),
    ChannelType.ALIPAY_LIFE: Text("Life account", "生活号"),
    ChannelType.DINGTALK_CC: Text("Work notice", "工作通知"),
    ChannelType.WECHATWK: Text("Enterprise message", "企业消息"),
    ChannelType.WECHATWK_LINKEDCORP: Text("Linked enterprise message", "互联企业消息"),
}
TITLE = Text("What you want to get", "消息偏好")
SAVED = Text("Your choices are saved.", "选择已保存。")
NOTHING = Text("There is nothing to choose yet.", "暂无可选项。")
QUIET = Text("Quiet time: nothing rings (mails may come)", "免打扰时段：不响铃（邮件除外）")
FIRST, ANY = Text("Preferably by", "优先使用"), Text("any of them", "均可")
BEGIN, END = Text("from", "从"), Text("to", "到")
ZONE = Text("time zone", "时区")
SAVE = Text("Save", "保存")
DEFAULT_ZONE = "Asia/Shanghai"


def html_of(page: Page, language: Language, *, is_saved: bool) -> str:
    """Return the whole page. Everything that people or operators wrote is escaped."""

    def say(text: Text) -> str:
        return escape(text.in_language(language))

    topics = "".join(_topic(page, topic, language) for topic in page.topics) + _seen(page)
    fields = topics + (_quiet(page, language) if page.is_user else "")
    form = f'<form method="post">{fields}<p><button>{say(SAVE)}</button></p></form>'
    note = f"<p role=status>{say(SAVED)}</p>" if is_saved else ""
    return (
        f'<!doctype html><html lang="{language.value}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{say(TITLE)}</title></head><body><main><h1>{escape(page.name)}</h1>"
        f"<h2>{say(TITLE)}</h2>{note}{form if fields else f'<p>{say(NOTHING)}</p>'}"
        "</main></body></html>"
    )


def _topic(page: Page, topic: Topic, language: Language) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" name="t" value="{topic.number}.{kind.value}"'
        f"{' checked' if (topic.number, kind.value) in page.chosen else ''}> "
        f"{escape(KINDS[kind].in_language(language))}</label><br>"
        for kind in page.kinds
    )
    about = f"<p>{escape(topic.description)}</p>" if topic.description else ""
    first = _first(page, topic, language) if page.is_user and len(page.kinds) > 1 else ""
    return f"<fieldset><legend>{escape(topic.name)}</legend>{about}{boxes}{first}</fieldset>"


def _seen(page: Page) -> str:
    """Return fields that say which boxes a page has, for a form that is posted much later."""
    lists = {
        "topics": [str(topic.number) for topic in page.topics],
        "kinds": [kind.value for kind in page.kinds],
    }
    fields = (
        f'<input type="hidden" name="{name}" value="{",".join(values)}">'
        for name, values in lists.items()
    )
    return "".join(fields) if page.topics else ""


def _first(page: Page, topic: Topic, language: Language) -> str:
    """Return the list of channel types of which a person may prefer one for a topic."""
    known = page.first.get(topic.number, "")
    choices = [("", ANY), *((kind.value, KINDS[kind]) for kind in page.kinds)]
    options = "".join(
        f'<option value="{kind}"{" selected" if kind == known else ""}>'
        f"{escape(text.in_language(language))}</option>"
        for kind, text in choices
    )
    label = escape(FIRST.in_language(language))
    return f'<label>{label} <select name="f{topic.number}">{options}</select></label>'


def _quiet(page: Page, language: Language) -> str:
    begin, end, zone = page.quiet or ("", "", DEFAULT_ZONE)
    rows = (
        ("begin", BEGIN, "time", begin),
        ("end", END, "time", end),
        ("zone", ZONE, "text", zone),
    )
    inputs = "".join(
        f"<label>{escape(text.in_language(language))} "
        f'<input type="{kind}" name="{name}" value="{escape(value)}" maxlength="64"></label> '
        for name, text, kind, value in rows
    )
    legend = escape(QUIET.in_language(language))
    return f"<fieldset><legend>{legend}</legend>{inputs}</fieldset>"
