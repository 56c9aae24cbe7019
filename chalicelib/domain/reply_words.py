"""Words by which people opt out and in again, as they write them to a number.

People are polite, they thank, and telephones add a blank or a full stop. A sentence that merely
contains a word says something else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 80  # characters of a reply that asks for something

# Carriers in China ask senders to understand TD, T, N, R and 退订. Those in the United States ask
# for STOP and the words after it (CTIA, Messaging Principles 2023, 5.1.3). Platforms also use
# `unsubscribe` and `subscribe` when somebody follows an account, or leaves it.
UNSUBSCRIBE = (
    *("TD", "T", "N", "R", "退订", "拒收", "取消", "取消订阅", "取消短信"),
    *("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"),
)
SUBSCRIBE = ("START", "订阅", "重新订阅", "恢复订阅", "UNSTOP", "SUBSCRIBE")

_BEFORE = (
    *("请", "请您", "请你", "麻烦", "麻烦您", "麻烦你", "帮我", "帮忙", "给我", "我要", "我想"),
    *("您好", "你好", "要求", "申请", "立即", "马上", "回复", "发送"),
    *("please", "pls", "plz", "kindly", "hi", "hello", "i want to", "reply"),
)
_AFTER = (
    *("谢谢", "谢谢您", "谢谢你", "谢谢了", "多谢", "感谢", "了", "吧", "啊", "哦", "一下"),
    *("短信", "信息", "服务", "此类短信", "请"),
    *("please", "pls", "plz", "thanks", "thank you", "thx", "ty", "now", "all", "messages"),
)


def plain(text: str) -> str:
    """Return the letters and digits of a text, whatever their width and case.

    One blank stands for all that is between them.
    """
    letters = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def asks(text: str, words: Iterable[str]) -> bool:
    """Tell if a reply is one of the words, also with greetings before it and thanks after it."""
    if len(text) > LONGEST:
        return False
    reply, forms = plain(text), [plain(word) for word in words]
    if reply and reply.replace(" ", "") in (form.replace(" ", "") for form in forms):
        return True
    before = _reached(reply, {0}, _BEFORE)
    words_begun = {end for start in before for end in _ends(reply, start, forms)}
    return len(reply) in _reached(reply, _reached(reply, words_begun, forms), _AFTER)


def _reached(reply: str, starts: set[int], phrases: Iterable[str]) -> set[int]:
    """Return the positions after any number of these phrases, also none."""
    reached, left = set(starts), list(starts)
    while left:
        fresh = set(_ends(reply, left.pop(), phrases)) - reached
        reached |= fresh
        left += fresh
    return reached


def _ends(reply: str, start: int, phrases: Iterable[str]) -> list[int]:
    """Return the positions after one phrase. A Latin one ends where its word ends."""
    ends = []
    for phrase in phrases:
        end = start + len(phrase)
        if phrase and reply.startswith(phrase, start) and not _is_within_word(reply, end):
            ends.append(end + reply.startswith(" ", end))
    return ends


def _is_within_word(reply: str, end: int) -> bool:
    pair = reply[end - 1 : end + 1]
    return len(pair) == 2 and pair.isascii() and pair.isalnum()
