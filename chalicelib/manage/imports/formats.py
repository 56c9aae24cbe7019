"""Number formats of workbooks: the text that people see, where that is certain.

ECMA-376 part 1, 18.8.30 (numFmts) lists the built-in formats and the syntax of others.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from chalicelib.domain.imports import Doubtful, Fault

EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
MAX_LITERAL = 40  # characters of a stored number

GENERAL, _TEXT = "general", "@"
_BUILT_IN = {
    0: GENERAL,
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    **dict.fromkeys(range(5, 9), "¥"),
    **dict.fromkeys((9, 10), "%"),
    **dict.fromkeys((11, 48), "0E+0"),
    **dict.fromkeys((12, 13), "?/?"),
    **dict.fromkeys((*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)), "yyyy"),
    **dict.fromkeys(range(37, 41), "#,##0_ "),
    **dict.fromkeys(range(41, 45), "¥"),
    49: _TEXT,
}
_LOCAL_GENERAL = "g/"  # the beginning of its name in files that a Chinese Excel saved
_NOT_SHOWN = re.compile(r"_.|\[(?:black|blue|cyan|green|magenta|red|white|yellow)\]", re.IGNORECASE)
_LITERAL = re.compile(r'"[^"]*"|\\.')
_SECTION = re.compile(r'(?:"[^"]*"|\\.|[^;"\\])*')
_DIGITS = re.compile(r"#*(0*)")
_LOCALE = re.compile(r"\[\$-[^\]]*\]|\[DBNum[0-9]\]|general", re.IGNORECASE)
_DECIMALS = re.compile(r"[0#]*[.][0#]+")
_CURRENCY = re.compile(r"[¥￥$€£₩]|\[\$[^\]-]")
_DATE = re.compile(r"[ymdhs]|AM/PM", re.IGNORECASE)


def built_in(number: int) -> str:
    """Return the code of a built-in format. Those that no list names show local forms."""
    return _BUILT_IN.get(number, "?")


def text(cell: str, code: str) -> str:
    """Return a text cell as it is shown."""
    if code in (GENERAL, _TEXT):
        return cell
    sections = _sections(code)
    shown = sections[3] if len(sections) > 3 else sections[-1] if "@" in sections[-1] else _TEXT
    return cell if shown == _TEXT else Doubtful(cell, Fault.FORMAT)


def number(stored: str, code: str) -> str:
    """Return a stored number as it is shown, or a doubtful cell."""
    try:
        value = Decimal(stored) if len(stored) <= MAX_LITERAL else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or abs(value) >= EXACT:
        return Doubtful(stored, Fault.DIGITS)
    shown, sign = _section(code, value)
    if shown in (GENERAL, _TEXT) or (_DIGITS.fullmatch(shown) and shown):
        if value != value.to_integral_value():
            return Doubtful(stored, Fault.DECIMALS)
        zeros = 0 if shown in (GENERAL, _TEXT) else shown.count("0")
        digits = str(abs(int(value)))
        if shown.startswith("#") and not value:
            digits = ""
        return sign + digits.zfill(zeros)
    return Doubtful(stored, _fault(shown))


def _section(code: str, value: Decimal) -> tuple[str, str]:
    """Return the part of a format for a value, and the sign that it puts before the digits."""
    sections = _sections(code)
    if len(sections) > 1 and value < 0:
        negative = sections[1].removeprefix("\\")
        return (negative[1:], "-") if negative.startswith("-") else (f"?{negative}", "")
    if len(sections) > 2 and value == 0 and sections[2] != _TEXT:
        return sections[2], ""
    return sections[0], "-" if value < 0 else ""


@lru_cache(maxsize=1000)
def _sections(code: str) -> tuple[str, ...]:
    """Split a format at its semicolons, without colours and blanks as wide as a character."""
    parts: list[str] = []
    start = 0
    while start <= len(code) and len(parts) < 5:
        end = _SECTION.match(code, start).end()  # type: ignore[union-attr]
        if end < len(code) and code[end] != ";":  # a quotation mark that stays open
            return ("?",)
        shown = _NOT_SHOWN.sub("", code[start:end]).strip(" ")
        parts.append(GENERAL if _is_general(shown) else shown)
        start = end + 1
    return tuple(parts)


def _is_general(shown: str) -> bool:
    return shown.lower() == GENERAL or shown.lower().startswith(_LOCAL_GENERAL)


def _fault(shown: str) -> Fault:
    """Name what a format shows, for the advice."""
    plain = _LOCALE.sub("", _LITERAL.sub("", shown))
    if _CURRENCY.search(plain) or _CURRENCY.search(_LOCALE.sub("", shown)):
        return Fault.CURRENCY
    if "%" in plain:
        return Fault.PERCENT
    if re.search(r"E[+-]", plain, re.IGNORECASE):
        return Fault.SCIENTIFIC
    if _DATE.search(plain):
        return Fault.DATE
    if "/" in plain:
        return Fault.FRACTION
    return Fault.DECIMALS if _DECIMALS.fullmatch(plain) else Fault.FORMAT
