"""Sensitive words: found in one pass over a text, in whatever form they are written.

A text is folded before it is searched. Full and half width, case, and traditional and simplified
characters are one. What nobody sees is dropped, and so is what stands between spaced-out letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from chalicelib.domain.errors import Invalid

MAX_WORDS = 100_000  # of an access channel
MAX_LENGTH = 64  # characters of a word

BREAK = "\n"  # ends a clause: no word goes on behind it
_BREAKS = frozenset("，。！？；：、…,!?;:\n\r\v\f\u2028\u2029")
_SEPARATORS = ("Z", "P", "S", "Cc")  # categories of what may stand between letters
_HIDDEN = ("Cf", "Mn", "Me", "Cs", "Co", "Cn")
_CJK = 0x2E80  # from here on, scripts do not put blanks between words
_TAG = re.compile(r"<[^<>]{0,2000}>")


class Hit(NamedTuple):
    """A sensitive word in a text, from one character to another one, counted from 1."""

    word: str
    first: int
    last: int


class Folded(NamedTuple):
    """A folded text. Each character has its position in the text before, and a gap or none."""

    text: str
    positions: Sequence[int]
    gaps: Sequence[bool]  # whether something was dropped between a character and the next one


def fold(text: str) -> Folded:
    letters: list[str] = []
    positions: list[int] = []
    gaps: list[bool] = []
    for n, char in enumerate(text):
        for letter in _folded(char):
            if letter == " ":
                if gaps:
                    gaps[-1] = True
                continue
            letters.append(letter)
            positions.append(n)
            gaps.append(False)
    return Folded("".join(letters), positions, gaps)


@lru_cache(maxsize=20_000)
def _folded(char: str) -> str:
    """Return the letters of a character. A blank stands for a separator."""
    if char in _BREAKS:
        return BREAK
    letters = (_letter(c) for c in unicodedata.normalize("NFKC", char).casefold())
    return "".join(letters)


def _letter(char: str) -> str:
    if char in _BREAKS:
        return BREAK
    category = unicodedata.category(char)
    if category in _HIDDEN:
        return ""
    if category.startswith(_SEPARATORS):
        return " "
    return _simplified(char) if ord(char) >= _CJK else char


def _simplified(char: str) -> str:
    letter: str = _converter().convert(char)
    return letter


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC  # type: ignore[import-untyped]

    return OpenCC("t2s")


def check_word(word: str) -> str:
    """Return a word as it is kept. Raise Invalid for a word that could never be found."""
    trimmed = word.strip()
    if not 1 <= len(trimmed) <= MAX_LENGTH:
        raise Invalid("word", "1 to {most} characters", most=MAX_LENGTH)
    if not fold(trimmed).text.replace(BREAK, ""):
        raise Invalid("word", "must have a letter or a digit")
    return trimmed


class _Entry(NamedTuple):
    word: str
    length: int
    gaps: tuple[int, ...]  # behind which of its letters the word itself has a blank
    is_spaced_script: bool  # its script puts blanks between words


class Finder:
    """All words that are on, as one automaton of Aho and Corasick. Building it takes a second."""

    def __init__(self, words: Mapping[str, bool]) -> None:
        import ahocorasick  # type: ignore[import-not-found]

        self._automaton = ahocorasick.Automaton()
        for word, is_on in words.items():
            if is_on:
                self._add(word)
        self._automaton.make_automaton()

    def _add(self, word: str) -> None:
        folded = fold(word)
        letters = folded.text.replace(BREAK, "")
        gaps = tuple(n for n, gap in enumerate(folded.gaps) if gap and n < len(letters) - 1)
        is_spaced = all(ord(letter) < _CJK for letter in letters)
        if not letters:
            return
        known: tuple[_Entry, ...] = self._automaton.get(letters, ())
        if all(entry.gaps != gaps for entry in known):
            entry = _Entry(word, len(letters), gaps, is_spaced)
            self._automaton.add_word(letters, (*known, entry))

    def find(self, text: str) -> Hit | None:
        """Return the first sensitive word of a text, or None."""
        if not len(self._automaton):
            return None
        folded = fold(text)
        for end, entries in self._automaton.iter(folded.text):
            start = end - entries[0].length + 1
            for entry in entries:  # words of the same letters, with blanks in other places
                if _counts(folded, start, end, entry):
                    return Hit(entry.word, folded.positions[start] + 1, folded.positions[end] + 1)
        return None

    def find_in_markup(self, text: str) -> Hit | None:
        """Return the first word of a text as it is, or as readers of its HTML see it."""
        import html  # its table of names is large

        hit = self.find(text)
        if hit is None and ("<" in text or "&" in text):
            hit = self.find(html.unescape(_TAG.sub("", text)))
        return hit


def _counts(folded: Folded, start: int, end: int, entry: _Entry) -> bool:
    """Tell if letters that match are the word, and not parts of other words.

    Chinese may be spaced out anywhere. A word of letters stands between blanks, and its letters
    are together, or each apart from the next.
    """
    if not entry.is_spaced_script:
        return True
    if _goes_on(folded, start - 1) or _goes_on(folded, end):
        return False
    gaps = tuple(n for n in range(entry.length - 1) if folded.gaps[start + n])
    is_apart = entry.length > 2 and len(gaps) == entry.length - 1
    return gaps == entry.gaps or is_apart


def _goes_on(folded: Folded, at: int) -> bool:
    """Tell if two letters of one word stand at a position and behind it."""
    if not 0 <= at < len(folded.text) - 1 or folded.gaps[at]:
        return False
    pair = folded.text[at : at + 2]
    return all(letter != BREAK and ord(letter) < _CJK for letter in pair)


def texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a content, each with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from texts(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for n, inner in enumerate(value):
            yield from texts(inner, f"{path}[{n}]")
