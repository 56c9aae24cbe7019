"""Rules of the values of WeChat's templates, by the kind that a key begins with.

Source: "Parameter types" of …/miniprogram/…/subscribe-message/api_sendmessage
(developers.weixin.qq.com). The rules hold for notices and template messages of a category as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from chalicelib.domain.third_party import ValueKind

VALUE_CHARACTERS = 2048  # of a template message, whose values have no documented rules

_HAN = "一-鿿"
_CLOCK = r"\d{1,2}[:：]\d{2}([:：]\d{2})?"
_DATE = (
    r"(\d{4}年\d{1,2}月(\d{1,2}日)?|\d{1,2}月\d{1,2}日"
    r"|\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2})"
)
_DATES = rf"{_DATE}(\s*{_CLOCK})?"
_TIMES = rf"({_DATE}\s*)?{_CLOCK}"


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text, re.ASCII) is not None


def _is_symbols(text: str) -> bool:
    return text.isprintable() and not any(character.isalnum() for character in text)


def _is_name(text: str) -> bool:
    """Tell a name: 10 characters where some are Chinese, else 20 letters and symbols."""
    is_chinese = re.search(f"[{_HAN}]", text) is not None
    return not any(c.isdigit() for c in text) and (len(text) <= 10 or not is_chinese)


KINDS: Mapping[str, ValueKind] = {
    "thing": ValueKind(20, "any text"),
    "number": ValueKind(32, "a number", _like(r"-?\d+(\.\d+)?")),
    "letter": ValueKind(32, "letters", _like(r"[A-Za-z]+")),
    "symbol": ValueKind(5, "symbols", _is_symbols),
    "character_string": ValueKind(32, "digits, letters and symbols", _like(r"[\x20-\x7e]+")),
    "time": ValueKind(
        64,
        "a time such as 15:01, or two of them with ~ between",
        _like(rf"{_TIMES}(\s*~\s*{_TIMES})?"),
    ),
    "date": ValueKind(
        64,
        "a date such as 2026-11-29, with a time or without, or two of them with ~ between",
        _like(rf"{_DATES}(\s*~\s*({_DATES}|{_CLOCK}))?"),
    ),
    "amount": ValueKind(
        20, "an amount of up to 10 digits", _like(r"[^\w\s.+-]?\d{1,10}(\.\d{1,6})?元?")
    ),
    "phone_number": ValueKind(17, "digits and symbols", _like(r"[\d\s()+-]+")),
    "car_number": ValueKind(
        8,
        "letters and digits, the first and the last may be Chinese",
        _like(rf"[{_HAN}A-Za-z0-9][A-Za-z0-9]{{0,6}}[{_HAN}A-Za-z0-9]?"),
    ),
    "name": ValueKind(20, "a name: 10 Chinese characters, or 20 letters and symbols", _is_name),
    "phrase": ValueKind(5, "Chinese characters", _like(f"[{_HAN}]+")),
    "const": ValueKind(20, "one of the texts that the template allows"),
    "enum": ValueKind(20, "one of the texts that the template allows"),
    "enum_string": ValueKind(20, "one of the texts that the template allows"),
}
ANY = ValueKind(VALUE_CHARACTERS, "any text")  # of a key that is not of a known kind


def kind_of(name: str) -> str:
    """Return the kind of a field by its name, such as `thing` of `thing1`. Empty: it has none."""
    kind = name.rstrip("0123456789")
    return kind if kind in KINDS and kind != name else ""
