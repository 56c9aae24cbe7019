"""Texts of SMS: their signature, and the parts that carriers count and charge. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ONE, PART = 70, 67  # characters of a text in one part, and of each part of a longer one

# A text, so that `re` compiles it at its first use, not at a cold start.
_SIGNATURE = r"[【\[［]([^【】\[\]［］]{1,40})[】\]］]"


def text_of(content: Mapping[str, Any], signature: str) -> str | None:
    """Return the text with a signature, 【…】: its own, else the channel's in front.

    None: the content does not have a text, since it names a template of the vendor.
    Carriers drop texts without a signature.
    """
    text = content.get("content")
    if not isinstance(text, str) or not text:
        return None
    return text if not signature or is_signed(text, signature) else f"【{signature}】{text}"


def is_signed(text: str, signature: str) -> bool:
    """Tell if a text begins with any signature, or begins or ends with this one.

    Other words at the end may stand in such brackets, too. Two signatures are better than none.
    """
    bare = text.strip()
    if bare.startswith("【"):
        return True
    ends = (re.match(_SIGNATURE, bare), re.search(f"{_SIGNATURE}$", bare))
    return any(end is not None and end[1].strip() == signature for end in ends)


def parts(text: str) -> int:
    """Return the parts that carriers in China charge: 70 characters, or 67 of each of several.

    A character beyond the basic plane of Unicode, such as an emoji, counts twice.
    """
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if length <= ONE else -(-length // PART)
