"""Requests of a browser that no page of the console made: any field, any address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from chalicelib import console
from chalicelib.console import pages
from chalicelib.console.routes import ROUTES, Route
from tests.console.conftest import Browser, Page
from tests.console.test_pages import addresses

pages.load()

TAG = "x-evil"  # an element that only an unescaped text can make
VALUES: Sequence[str] = (
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "²",
    "٣",
    "1" * 15,
    "9" * 5000,
    "1e400",
    "NaN",
    "true",
    "null",
    "[]",
    "{}",
    "[[" * 20_000,
    '{"a": [1, {"b": null}]}',
    '["\\ud800"]',
    f"\"'><{TAG} onload=1>",
    "javascript:alert(1)",
    "//evil.example",
    "\r\nSet-Cookie: evil=1",
    "\x00",
    "\u202eevil",
    "\u200b",
    "é中\U0001f600",
    "{{name}}",
    "{{",
    "all",
    "app",
    "sms",
    "save",
    "send",
    "-",
    ".",
    "..",
    "0.0",
    "s0",
    "s9.terms",
    "u1",
    "2026-02-30T25:61",
    "0001-01-01T00:00",
    "9999-12-31T23:59",
    "* * * * *",
    "Asia/Shanghai",
    "../../etc/passwd",
    "x" * 5000,
)
# Fields that the code reads and no page may show: those of rows and editors.
_READ = re.compile(r'form\.(?:text|raw|many|number|amount|flag|column|lines)\(f?"([\w.]+)"')
_ASKED = re.compile(r'\.asked\("(\w+)"')
_SOURCES = [file.read_text() for file in Path(console.__path__[0]).rglob("*.py")]
FIELDS = sorted({name for text in _SOURCES for name in _READ.findall(text)})
QUESTIONS = sorted({name for text in _SOURCES for name in _ASKED.findall(text)})


@dataclass
class HtmlForm:
    """A form of a page: its address, and what a browser would send."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class Reader(HTMLParser):
    """Reads the forms of a page, and looks for elements that no page may have."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page, self.forms = page, list[HtmlForm]()
        self.feed(page.text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        named = dict(attributes)
        assert tag != TAG, self._page.path
        assert not [name for name in named if name.startswith("on")], self._page.path
        for name in ("href", "src", "action"):
            assert not re.match(r"\s*javascript:", named.get(name) or ""), self._page.path
        if tag == "form" and named.get("method") == "post":
            action = named.get("action") or f"/console{self._page.path}"
            self.forms.append(HtmlForm(urlsplit(action).path.removeprefix("/console")))
        elif tag in ("input", "textarea", "select", "button") and named.get("name"):
            for form in self.forms[-1:]:
                form.fields.setdefault(named["name"], []).append(named.get("value") or "")


_shown: dict[Route, dict[str, list[str]]] = {}  # fields of forms, by the page that takes them


def shown(browser: Browser, route: Route) -> Mapping[str, list[str]]:
    """Return the fields that pages show for a form. All pages are read once."""
    if not _shown:
        _shown.update(_forms(browser))
    return _shown.get(route, {})


def _forms(browser: Browser) -> dict[Route, dict[str, list[str]]]:
    found: dict[Route, dict[str, list[str]]] = {}
    for path in addresses(browser):
        page = browser.get(path)
        for form in Reader(page).forms if "html" in page.headers["Content-Type"] else ():
            for route in ROUTES:
                if route.method == "POST" and route.pattern.fullmatch(form.action):
                    found.setdefault(route, {}).update(form.fields)
    return found


@st.composite
def changes(draw: Any, form: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Draw a form as a page shows it, with other values in some fields, and other fields."""
    sent = {name: values[:1] for name, values in form.items() if name != "csrf"}
    names = st.sampled_from([*sent, *FIELDS] if sent else FIELDS)
    values = st.sampled_from(VALUES) | st.text(max_size=20)
    for name in draw(st.lists(names, max_size=6)):
        sent[name] = draw(st.lists(values, max_size=2))
    for name in draw(st.lists(st.sampled_from(sorted(form) or FIELDS), max_size=2)):
        sent.pop(name, None)
    return sent


_sound: set[int] = set()


def check(page: Page) -> None:
    """Check that a page blames nobody for its own faults, and that its headers are sound."""
    assert page.status < 500, (page.path, page.plain)
    for name, value in page.headers.items():
        assert re.fullmatch(r"[\x20-\x7e]*", str(value)), (page.path, name, value)
    assert all(re.fullmatch(r"[\x21-\x7e ]*", cookie) for cookie in page.cookies), page.path
    text = hash(page.text)  # most pages that refuse are the same
    if "html" in page.headers.get("Content-Type", "") and text not in _sound:
        Reader(page)
        _sound.add(text)
