"""Forms of pages as a browser sends them: with what is chosen, ticked and enabled."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tests.console.conftest import Browser, Page

VOID = {"input", "br", "hr", "img", "meta", "link"}
BUTTONS = ("submit", "button", "image", "file")


@dataclass
class Shown:
    """A form of a page: its address, and the fields that a browser would send."""

    action: str | None
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    boxes: dict[str, list[str]] = field(default_factory=dict)  # every value of a box or a choice
    selects: set[str] = field(default_factory=set)


class Forms(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.found: list[Shown] = []
        self._open: Shown | None = None
        self._disabled = 0
        self._sets: list[bool] = []
        self._text: str | None = None
        self._select: list[tuple[str, bool]] | None = None
        self._name = ""
        self.feed(page.text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        at = dict(attributes)
        if tag == "form":
            self._open = Shown(at.get("action"), at.get("method") or "get")
            self.found.append(self._open)
        elif tag == "fieldset":
            self._sets.append("disabled" in at)
        elif tag == "option" and self._select is not None:
            self._select.append((at.get("value", ""), "selected" in at))
        if self._open is None or not at.get("name") or "disabled" in at or any(self._sets):
            return
        name = at["name"]
        if tag == "input":
            self._input(self._open, name, at)
        elif tag == "textarea":
            self._name, self._text = name, ""
        elif tag == "select":
            self._name, self._select = name, []

    def _input(self, form: Shown, name: str, at: dict[str, Any]) -> None:
        kind = at.get("type", "text")
        if kind in BUTTONS:
            return
        if kind in ("checkbox", "radio"):
            form.boxes.setdefault(name, []).append(at.get("value", "on"))
            if "checked" not in at:
                return
        if kind == "hidden":
            form.hidden.add(name)
        form.fields.setdefault(name, []).append(at.get("value") or "")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "fieldset" and self._sets:
            self._sets.pop()
        elif tag == "textarea" and self._text is not None and self._open is not None:
            self._open.fields.setdefault(self._name, []).append(self._text.removeprefix("\n"))
            self._text = None
        elif tag == "select" and self._select is not None and self._open is not None:
            chosen = [value for value, is_on in self._select if is_on]
            values = [value for value, _ in self._select]
            if values:
                self._open.fields.setdefault(self._name, []).append((chosen or values)[0])
                self._open.boxes.setdefault(self._name, []).extend(values)
                self._open.selects.add(self._name)
            self._select = None


def forms(page: Page) -> list[Shown]:
    return Forms(page).found


def address(page: Page, form: Shown) -> str:
    """Return where a browser sends a form, without the root."""
    return (form.action or f"/console{page.path}").removeprefix("/console")


def form_to(page: Page, path: str) -> Shown:
    """Return the form of a page that is sent to a path."""
    found = [
        f for f in forms(page) if f.method == "post" and address(page, f).partition("?")[0] == path
    ]
    assert found, (path, [address(page, f) for f in forms(page)])
    return found[0]


def save_untouched(browser: Browser, path: str, to: str = "", do: str = "") -> Page:
    """Open a page, and send its form as it stands."""
    page = browser.get(path)
    form = form_to(page, to or path)
    fields: dict[str, Any] = {**form.fields, **({"do": do} if do else {})}
    fields.pop("csrf", None)
    return browser.post(to or path, fields)
