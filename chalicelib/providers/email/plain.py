"""The plain text that stands beside the HTML of a mail."""

from __future__ import annotations

import re
from functools import lru_cache
from html.parser import HTMLParser

# A sign, not the start of a tag: for each such sign the parser would search to the end.
_UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")


@lru_cache(maxsize=16)  # made once for a message whose mails are alike
def plain_text(html: str) -> str:
    """Return the text of HTML, with the addresses of links behind their texts."""
    reader = _Reader()
    reader.feed(_UNCLOSED.sub("&lt;", _without_comments(html)))
    reader.close()
    text = "".join(reader.parts)
    lines = (re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _without_comments(html: str) -> str:
    kept, at = [], 0
    while (begin := html.find("<!--", at)) >= 0:
        kept.append(html[at:begin])
        end = html.find("-->", begin + 4)
        at = end + 3 if end >= 0 else len(html)
    return "".join([*kept, html[at:]])


class _Reader(HTMLParser):
    _HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
    _SILENT = ("script", "style", "title")  # not head, whose end may be left out
    _BLOCKS = ("p", "div", "tr", "table", "ul", "ol", "blockquote", "hr", *_HEADINGS)

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._link: tuple[str, int] | None = None  # the address, and where its text begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag == "a":
            # Links do not nest: another one begins where browsers end the first.
            self._link = dict(attrs).get("href") or "", len(self.parts)
        elif tag == "img":
            self.parts.append(dict(attrs).get("alt") or "")
        elif tag in ("td", "th"):
            self.parts.append(" ")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "br" or tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._link:
            (link, begin), self._link = self._link, None
            text = "".join(self.parts[begin:]).strip()
            if link.startswith(("http://", "https://")) and link != text:
                self.parts.append(f" ({link})")
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))
