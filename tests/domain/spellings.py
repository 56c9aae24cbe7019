"""Spellings of one contact, as people and programs write them."""

from __future__ import annotations

from hypothesis import strategies as st

INVISIBLE = ("\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\ufe0f")
SEPARATORS = (" ", "-", "\u2011", ".", "\u00a0", "\u3000")
COUNTRIES = {"852": 8, "65": 8, "81": 10, "49": 10, "7": 10, "61": 9}  # digits of a number


@st.composite
def _written(draw: st.DrawFn, text: str, between: tuple[str, ...]) -> str:
    """Draw a text with other characters in it, and with some of its own in full width."""
    at = draw(st.lists(st.integers(1, len(text)), max_size=4))
    characters = [
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and draw(st.booleans()) else c for c in text
    ]
    for position in sorted(at, reverse=True):
        characters.insert(position, draw(st.sampled_from(between)))
    return "".join(characters)


@st.composite
def numbers_with_spellings(draw: st.DrawFn) -> tuple[str, ...]:
    country = draw(st.sampled_from(("86", *COUNTRIES)))
    if country == "86":
        number = "1" + draw(st.from_regex(r"[3-9][0-9]{9}", fullmatch=True))
        plain = [number, f"86{number}"]
    else:
        size = COUNTRIES[country] - 1
        number = draw(st.from_regex(rf"[2-79][0-9]{{{size}}}", fullmatch=True))
        plain = [f"{country}{number}"]
    texts = [*plain, f"+{country}{number}", f"00{country}{number}"]
    return tuple(draw(_written(text, (*SEPARATORS, *INVISIBLE))) for text in texts)


@st.composite
def mailboxes_with_spellings(draw: st.DrawFn) -> tuple[str, ...]:
    local = draw(st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9+_-]{1,8})?", fullmatch=True))
    name = draw(st.sampled_from(("example", "\u4f8b\u5b50", "b\u00fccher")))
    domains = [f"{name}.com", f"{name}\u3002com", f"{name.upper()}.COM"]
    if not name.isascii():
        domains.append(f"XN--{name.encode('punycode').decode()}.com")
    spelt = [f"{draw(st.sampled_from((local, local.upper())))}@{domain}" for domain in domains]
    return tuple(draw(_written(text, INVISIBLE)) for text in spelt)
