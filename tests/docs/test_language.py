"""The prose of the documents: short sentences, no semicolons, headings that name things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MAX_WORDS = 25  # aim at 20

_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"<?https?://\S+")
_ITEM = re.compile(r"( *)([-*+]|\d+[.)]) +")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])[*_)\"”]*\s+")

pages = pytest.mark.parametrize(
    "page", [page for page in PAGES if page.exists()], ids=lambda page: page.name
)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs and list items, without code, tables, headings and link targets."""
    text = _COMMENT.sub("", _FENCE.sub("", text))
    gathered: list[str] = []
    list_indent: int | None = None
    for line in [*text.splitlines(), ""]:
        item = _ITEM.match(line)
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.lstrip().startswith(("#", "|")) or item:
            if gathered:
                yield _plain(" ".join(gathered))
            gathered = []
        if item:
            list_indent = item.end()
            gathered = [line[item.end() :]]
        elif line.strip() and not line.lstrip().startswith(("#", "|")):
            if indent == 0 and not gathered:
                list_indent = None
            if gathered or indent < (list_indent or 0) + 4:
                gathered.append(line.strip())


def _plain(paragraph: str) -> str:
    return _ADDRESS.sub("address", _LINK.sub(r"\1", _INLINE_CODE.sub("code", paragraph)))


def sentences(text: str) -> Iterator[str]:
    for paragraph in paragraphs(text):
        yield from _SENTENCE_ENDS.split(paragraph)


def words(sentence: str) -> int:
    return len(re.findall(r"\w[\w'’.,:/%$&+-]*", sentence))


@pages
def test_prose_has_no_semicolon(page: Path) -> None:
    assert [text for text in paragraphs(page.read_text()) if ";" in text] == []


@pages
def test_a_sentence_is_short(page: Path) -> None:
    long = [text for text in sentences(page.read_text()) if words(text) > MAX_WORDS]
    assert long == [], f"{len(long)} sentences of more than {MAX_WORDS} words"


@pages
def test_a_heading_names_a_thing(page: Path) -> None:
    text = _FENCE.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert [title for title in headings if re.match(r"(What|Who)\b", title)] == []


def test_prose_is_told_from_code_tables_and_links() -> None:
    page = """# Title

One `a; b` sentence with [a link](x;y). Two
lines of it!

| a; | b |

    code; code

```python
code; code
```

1. An item
   goes on.

   A paragraph of it.

       code; code
"""
    assert list(sentences(page)) == [
        "One code sentence with a link.",
        "Two lines of it!",
        "An item goes on.",
        "A paragraph of it.",
    ]
