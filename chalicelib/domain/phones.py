"""Phone numbers: one spelling for a number, however it was written."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

CHINA = "86"

# A mobile number of the Chinese mainland, which everybody there writes without the country's code.
_MOBILE = re.compile(r"(?:(?:\+|00)?86)?(1[0-9]{10})")
_NUMBER = re.compile(r"[0-9]{5,20}")
_ABROAD = re.compile(r"(?:\+|00)+")
_SEPARATORS = re.compile(r"[\s().·/-]")


def canonical(text: str) -> str | None:
    """Return the one spelling of a number, or None for a text that is not a number.

    A mobile number of the Chinese mainland is its 11 digits, any other number is E.164 with `+`. A
    number that no country can have, such as a short number, is its digits.
    """
    mobile = _MOBILE.fullmatch(text)
    return mobile[1] if mobile else _any(_digits(text))


def _digits(text: str) -> str:
    """Return the text without separators, and with the digits of ASCII."""
    if not text.isascii():
        text = "".join(map(_ascii, text))
    return _SEPARATORS.sub("", text)


def _ascii(character: str) -> str:
    if unicodedata.category(character) == "Pd":  # a dash
        return "-"
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


@lru_cache(maxsize=4096)
def _any(text: str) -> str | None:
    mobile = _MOBILE.fullmatch(text)
    if mobile:
        return mobile[1]
    prefix = _ABROAD.match(text)
    digits = text[prefix.end() :] if prefix else text
    if not _NUMBER.fullmatch(digits) or (prefix and digits.startswith("0")):
        return None
    is_national = digits.startswith("0")  # a number of the mainland with the trunk's 0
    number = _e164(digits if is_national else f"+{digits}") or digits
    mobile = _MOBILE.fullmatch(number) if number.startswith(f"+{CHINA}") else None
    return mobile[1] if mobile else number


def _e164(number: str) -> str | None:
    """Return a number by E.164, or None if its country has no number of this length."""
    # Most containers meet mobile numbers of the mainland only, and do without 75 ms of import.
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException:
        return None
    # Not `is_possible_number`, to which the digits of a short number are possible within an area.
    length = phonenumbers.is_possible_number_with_reason(parsed)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE or parsed.extension:
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def older(number: str) -> tuple[str, ...]:
    """Return the spellings of a canonical number by which releases before 2026-12 kept opt-outs.

    A number whose digits are also a mobile number of the mainland is not among them.
    """
    if not number.startswith("+"):
        return ()
    digits = number[1:]
    bare = () if _MOBILE.fullmatch(digits) else (digits,)
    national = (f"0{digits[2:]}",) if digits.startswith(CHINA) else ()
    return (*bare, f"00{digits}", *national)


def prefixed(number: str) -> tuple[str, ...]:
    """Return the spellings of a mobile number of the mainland with the country's code."""
    if not _MOBILE.fullmatch(number):
        return ()
    return tuple(f"{prefix}{CHINA}{number}" for prefix in ("+", "", "00"))
