"""Content of a WeCom message: the object `msg_wechatwk` of UMS, which is WeCom's own without its
targets.

Application messages: https://developer.work.weixin.qq.com/document/path/90236. Linked corporations
(…/path/90250) have the same fields and limits without template cards.

WeCom cuts most of the texts that are too long, without an error. This module refuses them. Fields
that are not named here pass unchanged. Lengths are in bytes of UTF-8 if WeCom's page gives bytes.
They leave out placeholders, whose values come later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Clickable
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.templates import placeholders, without_placeholders
from chalicelib.providers.base import check_names

Check = Callable[[Mapping[str, Any], str], None]

COMMON = (
    "msgtype",
    "safe",
    "enable_id_trans",
    "enable_duplicate_check",
    "duplicate_check_interval",
)
MAX_INTERVAL = 4 * 3600  # seconds
# Number of ways of sharing: everywhere, not at all, and, of one type, within the corporation.
# News can only be shared everywhere (40074).
SAFE = {"mpnews": 3, "news": 1}

TEXT_BYTES = 2048  # also of markdown and of addresses
TITLE_BYTES, DESCRIPTION_BYTES = 128, 512
AUTHOR_BYTES = 64
HTML_BYTES = 666 * 1024
BUTTON_CHARACTERS = 4  # "四个文字"
MAX_ARTICLES = 8
NOTICE_TITLE = (4, 12)  # characters: "4-12个汉字". WeCom's page adds that English counts, too.
MAX_ITEMS, KEY_CHARACTERS, VALUE_CHARACTERS = 10, 10, 30

# A part with `appid` leads to a mini-program. WeCom itself reports the clicks on buttons without
# an address (callbacks.py).
CLICKABLE = Clickable(
    ("textcard.url", "news.articles.*.url", "mpnews.articles.*.content_source_url"),
    ("text.content", "markdown.content"),
    ("appid",),
)
CARD_CLICKABLE = replace(
    CLICKABLE,
    addresses=(
        *CLICKABLE.addresses,
        "template_card.card_action.url",
        "template_card.jump_list.*.url",
        "template_card.button_list.*.url",
        "template_card.horizontal_content_list.*.url",
        "template_card.quote_area.url",
        "template_card.image_text_area.url",
    ),
)

CARDS = (
    "text_notice",
    "news_notice",
    "button_interaction",
    "vote_interaction",
    "multiple_interaction",
)
CARD_LISTS = {  # at most so many entries
    "horizontal_content_list": 6,
    "vertical_content_list": 4,
    "jump_list": 3,
    "button_list": 6,
    "select_list": 3,
}


def check(content: Mapping[str, Any], *, cards: bool) -> None:
    """Raise Invalid for a bad content. `cards`: template cards are allowed.

    We set the targets and the sender ourselves (`touser`, `toparty`, `agentid` …).
    """
    msgtype = content.get("msgtype")
    allowed = [name for name in CHECKS if cards or name != "template_card"]
    if not isinstance(msgtype, str) or msgtype not in allowed:
        raise Invalid("msgtype", "must be one of {allowed}", allowed=allowed)
    check_names(content, (*COMMON, msgtype), "")
    _check_common(content, msgtype)
    CHECKS[msgtype](_object(content, msgtype, msgtype), msgtype)


def _check_common(content: Mapping[str, Any], msgtype: str) -> None:
    for name, known in (
        ("safe", SAFE.get(msgtype, 2)),
        ("enable_id_trans", 2),
        ("enable_duplicate_check", 2),
    ):
        numbers = [str(n) for n in range(known)]
        if content.get(name) is not None and str(content[name]) not in numbers:
            raise Invalid(name, "must be one of {allowed}", allowed=numbers)
    interval = content.get("duplicate_check_interval")
    if interval is not None and (
        not isinstance(interval, int)
        or isinstance(interval, bool)
        or not 0 < interval <= MAX_INTERVAL
    ):
        reason = "must be a number of seconds, at most {most}"
        raise Invalid("duplicate_check_interval", reason, most=MAX_INTERVAL)


def _object(raw: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    value = raw.get(key)
    if not isinstance(value, Mapping) or not value:
        raise Invalid(name, "is required and must be an object")
    return value


def _list(raw: Mapping[str, Any], key: str, path: str, most: int) -> Sequence[Mapping[str, Any]]:
    name = f"{path}.{key}"
    value = raw.get(key)
    if not isinstance(value, list | tuple) or not all(
        isinstance(entry, Mapping) for entry in value
    ):
        raise Invalid(name, "must be a list of objects")
    if len(value) > most:
        raise Invalid(name, "must have at most {most} entries", most=most)
    return value


def _text(
    raw: Mapping[str, Any],
    key: str,
    path: str,
    most: int,
    *,
    unit: str = "bytes",
    required: bool = True,
) -> str:
    """Return a text of at most `most` bytes or characters, placeholders left out."""
    value, name = raw.get(key), f"{path}.{key}"
    if value in (None, "") and not required:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(name, "is required and must be a text" if required else "must be a text")
    rest = without_placeholders(value)
    if (len(rest.encode("utf-8", "surrogatepass")) if unit == "bytes" else len(rest)) > most:
        raise Invalid(name, "must have at most {most} {unit}", most=most, unit=Sentence(unit))
    return value


def _address(raw: Mapping[str, Any], key: str, path: str, *, required: bool = True) -> None:
    """Check an address: it has its protocol, or starts with a placeholder."""
    value = _text(raw, key, path, TEXT_BYTES, required=required)
    if value and not value.startswith(("http://", "https://", "{{")):
        raise Invalid(f"{path}.{key}", "must start with http:// or https://")


def _check_text(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "content", path, TEXT_BYTES)


def _check_media(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "media_id", path, 256)


def _check_video(raw: Mapping[str, Any], path: str) -> None:
    _check_media(raw, path)
    _text(raw, "title", path, TITLE_BYTES, required=False)
    _text(raw, "description", path, DESCRIPTION_BYTES, required=False)


def _check_textcard(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "title", path, TITLE_BYTES)
    _text(raw, "description", path, DESCRIPTION_BYTES)
    _address(raw, "url", path)
    _text(raw, "btntxt", path, BUTTON_CHARACTERS, unit="characters", required=False)


def _articles(raw: Mapping[str, Any], path: str) -> list[tuple[Mapping[str, Any], str]]:
    articles = _list(raw, "articles", path, MAX_ARTICLES)
    if not articles:
        raise Invalid(f"{path}.articles", "must have 1 to {most} entries", most=MAX_ARTICLES)
    return [(article, f"{path}.articles[{n}]") for n, article in enumerate(articles)]


def _check_news(raw: Mapping[str, Any], path: str) -> None:
    """`appid` and `pagepath`, given together, go before `url`."""
    for article, name in _articles(raw, path):
        _text(article, "title", name, TITLE_BYTES)
        _text(article, "description", name, DESCRIPTION_BYTES, required=False)
        _address(
            article, "url", name, required=not (article.get("appid") and article.get("pagepath"))
        )
        _text(article, "picurl", name, TEXT_BYTES, required=False)


def _check_mpnews(raw: Mapping[str, Any], path: str) -> None:
    for article, name in _articles(raw, path):
        _text(article, "title", name, TITLE_BYTES)
        _text(article, "thumb_media_id", name, 256)
        _text(article, "content", name, HTML_BYTES)
        _text(article, "author", name, AUTHOR_BYTES, required=False)
        _text(article, "digest", name, DESCRIPTION_BYTES, required=False)
        _address(article, "content_source_url", name, required=False)


def _check_notice(raw: Mapping[str, Any], path: str) -> None:
    _text(raw, "appid", path, 64)
    _text(raw, "page", path, 1024, required=False)
    _between(raw, "title", path, required=True)
    _between(raw, "description", path, required=False)
    if raw.get("content_item") is None:
        return
    for n, item in enumerate(_list(raw, "content_item", path, MAX_ITEMS)):
        _text(item, "key", f"{path}.content_item[{n}]", KEY_CHARACTERS, unit="characters")
        _text(item, "value", f"{path}.content_item[{n}]", VALUE_CHARACTERS, unit="characters")


def _between(raw: Mapping[str, Any], key: str, path: str, *, required: bool) -> None:
    least, most = NOTICE_TITLE
    value = _text(raw, key, path, most, unit="characters", required=required)
    if value and len(value) < least and not placeholders(value):
        reason = "must have {least} to {most} characters"
        raise Invalid(f"{path}.{key}", reason, least=least, most=most)


def _check_card(raw: Mapping[str, Any], path: str) -> None:
    """Check a template card.

    WeCom only advises on the lengths of a card's texts.

    We set its `task_id`: WeCom wants another one for each call.
    """
    if raw.get("card_type") not in CARDS:
        raise Invalid(f"{path}.card_type", "must be one of {allowed}", allowed=tuple(CARDS))
    if raw.get("task_id") is not None:
        raise Invalid(f"{path}.task_id", "is set for each call")
    for name, most in CARD_LISTS.items():
        if raw.get(name) is not None:
            _list(raw, name, path, most)


CHECKS: Mapping[str, Check] = {
    "text": _check_text,
    "image": _check_media,
    "voice": _check_media,
    "video": _check_video,
    "file": _check_media,
    "textcard": _check_textcard,
    "news": _check_news,
    "mpnews": _check_mpnews,
    "markdown": _check_text,
    "miniprogram_notice": _check_notice,
    "template_card": _check_card,
}


def body(content: Mapping[str, Any], agent_id: int, options: Sequence[str]) -> dict[str, Any]:
    """Return the message without its targets. `options`: the common fields of this API."""
    msgtype = content["msgtype"]
    common = {name: content[name] for name in options if content.get(name) is not None}
    return {"agentid": agent_id, "msgtype": msgtype, msgtype: content[msgtype], **common}
