"""Header fields as bytes: folded lines (RFC 5322), encoded words (RFC 2047), parameters (RFC 2231).

Python's email package loses or moves blanks where a text mixes scripts. It also makes encoded words
of more than 75 characters. Both were seen with Python 3.11.2 (2026-11).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from urllib.parse import quote

LINE = 76  # characters of a line with an encoded word (RFC 2047 2)
WORD = 75
_FRAME = len("=?utf-8?q??=")

# Without dots and @, so that the words may stand in a name, too (RFC 2047 5, rule 3).
_AS_IT_IS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTABLE = re.compile(r"[ !#-\[\]-~]+")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_PARAMETER = 50  # characters of one part of a long parameter


def has_breaks(value: str) -> bool:
    """Return True for a text that would end its header, or that does not fit into one."""
    return _BREAKS.search(value) is not None


def check(*values: str) -> None:
    """Raise ValueError for a text that would end its header."""
    if any(map(has_breaks, values)):
        raise ValueError("line break in a header")


def text(name: str, value: str) -> bytes:
    """Return a header that holds a text, such as Subject.

    Raises ValueError for a line break or half a surrogate pair.
    """
    check(value)
    used = len(name) + 2
    lines = _folded(value, used) if _is_plain(value, used) else list(_words(value, LINE - used))
    return _field(name, "\r\n ".join(lines))


def structured(name: str, value: str) -> bytes:
    """Return a header whose words mean something to programs. It is ASCII, and is only folded.

    Raises ValueError for another text.
    """
    if not _PLAIN.fullmatch(value) or "=?" in value:
        raise ValueError("not a structured header")
    return _field(name, "\r\n ".join(_folded(value, len(name) + 2)))


def mailbox(name: str, display_name: str, address: str) -> bytes:
    """Return a header with one address. Only the address may be UTF-8 (RFC 6532)."""
    check(display_name, address)
    if not display_name:
        return _field(name, address)
    lines = _phrase(display_name, len(name) + 2)
    start = len(name) + 2 if len(lines) == 1 else 1
    fits = start + len(lines[-1]) + len(address) + 3 <= LINE
    return _field(name, "\r\n ".join(lines) + (" " if fits else "\r\n ") + f"<{address}>")


def parameter(name: str, value: str) -> str:
    """Return a parameter of a MIME header, with the `;` before it (RFC 2231).

    Raises ValueError for a line break or half a surrogate pair.
    """
    check(value)
    if len(value) <= _PARAMETER and _QUOTABLE.fullmatch(value) and "=?" not in value:
        return f';\r\n {name}="{value}"'
    parts = list(_parts(value))
    if len(parts) == 1:
        return f";\r\n {name}*=utf-8''{parts[0]}"
    first = f";\r\n {name}*0*=utf-8''{parts[0]}"
    return first + "".join(f";\r\n {name}*{n}*={part}" for n, part in enumerate(parts[1:], 1))


def _field(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode()


def _is_plain(value: str, used: int) -> bool:
    """Tell if readers see these characters unchanged, in lines that are short enough."""
    if not _PLAIN.fullmatch(value) or "=?" in value:
        return False
    first, *rest = value.split(" ")
    return len(first) <= LINE - used and all(len(part) < LINE for part in rest)


def _folded(value: str, used: int) -> list[str]:
    """Return the lines of a text without double blanks. `used`: characters before the first."""
    lines = [""]
    for part in value.split(" "):
        room = LINE - (used if len(lines) == 1 else 1)
        if lines[-1] and len(lines[-1]) + 1 + len(part) > room:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return lines


def _phrase(value: str, used: int) -> list[str]:
    """Return the lines of a display name."""
    if used + len(value) + 2 <= LINE and "=?" not in value and value == value.strip(" "):
        if _ATOMS.fullmatch(value):
            return [value]
        if _QUOTABLE.fullmatch(value):
            return [f'"{value}"']
    return list(_words(value, LINE - used))


def _words(value: str, room: int) -> Iterator[str]:
    """Yield encoded words, one a line, of whole characters. Blanks are inside, so none is lost.

    `room`: the characters left of the first line.
    """
    encode, cost, capacity = _encoding(value)
    word, size, room = "", 0, min(room, WORD)
    for character in value:
        more = cost(character)
        if word and size + more > capacity(room - _FRAME):
            yield encode(word)
            word, size, room = "", 0, WORD
        word, size = word + character, size + more
    yield encode(word)


def _encoding(
    value: str,
) -> tuple[Callable[[str], str], Callable[[str], int], Callable[[int], int]]:
    """Return the shorter encoding, the size of a character in it, and the size that fits."""
    if sum(map(_q_size, value)) <= len(value.encode()) * 4 // 3:
        return _q_word, _q_size, int
    return _b_word, lambda character: len(character.encode()), lambda room: room // 4 * 3


def _q_size(character: str) -> int:
    return len(_q(character))


def _q(value: str) -> str:
    return "".join(
        "_" if byte == 0x20 else chr(byte) if byte in _AS_IT_IS else f"={byte:02X}"
        for byte in value.encode()
    )


def _q_word(value: str) -> str:
    return f"=?utf-8?q?{_q(value)}?="


def _b_word(value: str) -> str:
    return f"=?utf-8?b?{b64encode(value.encode()).decode('ascii')}?="


def _parts(value: str) -> Iterator[str]:
    part = ""
    for character in value:
        # RFC 2231 7 leaves out some characters that `quote` keeps by default.
        encoded = quote(character, safe="").replace("~", "%7E")
        if len(part) + len(encoded) > _PARAMETER:
            yield part
            part = ""
        part += encoded
    yield part
