"""The languages of texts for people: Chinese and English, chosen by `Accept-Language`."""

from __future__ import annotations

import re
from enum import Enum
from operator import itemgetter
from typing import NamedTuple

MAX_HEADER = 200  # characters of the header that are read

_RANGE = re.compile(
    r"(zh|en)(?:[-_][\w-]+)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?", re.ASCII | re.IGNORECASE
)


class Language(Enum):
    CHINESE = "zh"
    ENGLISH = "en"


class Text(NamedTuple):
    """A text in both languages. `chinese` is empty where only English exists."""

    english: str
    chinese: str = ""

    def in_language(self, language: Language) -> str:
        return self.chinese if language is Language.CHINESE and self.chinese else self.english

    @property
    def both(self) -> str:
        """Return `Chinese (English)`, which is UMS's way."""
        return f"{self.chinese} ({self.english})" if self.chinese else self.english


def preferred(accept_language: str, default: Language) -> Language:
    """Choose by weight, then by position (RFC 9110, 12.5.4). Other languages count as absent."""
    ranges = [_RANGE.fullmatch(part.strip()) for part in accept_language[:MAX_HEADER].split(",")]
    weight, name = max(
        ((float(match[2] or 1), match[1].lower()) for match in ranges if match),
        key=itemgetter(0),
        default=(0, ""),
    )
    return Language(name) if weight > 0 else default
