"""Sensitive words of an access channel: their switch, the list, and files of words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 100
ROUTE = "sensitive-words/{key}"


@page("GET", "/c/{key}/rules/words")
def words(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None, file: str = "") -> Reply:
    """Show the words. `file`: the address of an export."""
    text = visit.asked("text").strip()
    query = {"limit": PAGE, "cursor": visit.asked("cursor") or None, "text": text or None}
    listed = visit.api.get(f"{ROUTE}/words", query=query, key=visit.key)
    return visit.show(
        "words/words.html",
        error=error,
        now=visit.api.get(ROUTE, key=visit.key),
        words=listed["words"],
        cursor=listed["cursor"],
        text=text,
        file=file,
    )


def _change(visit: Visit, method: str, path: str, body: Any, done: str = "saved") -> Reply:
    version = visit.form.version or None
    try:
        visit.api.change(method, f"{ROUTE}{path}", body, version=version, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/rules/words", text=visit.form.text("text")), done)


@page("POST", "/c/{key}/rules/words/switch", needs=OPERATOR)
def switch(visit: Visit) -> Reply:
    return _change(visit, "PUT", "", {"on": visit.form.text("on") == "1"})


@page("POST", "/c/{key}/rules/words", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    """Add the words of a text box, all of them on or off."""
    enabled = visit.form.text("enabled", "1") == "1"
    added = [{"word": word, "enabled": enabled} for word in visit.form.lines("words")]
    return _change(visit, "POST", "/words", {"add": added}, "added")


@page("POST", "/c/{key}/rules/words/one", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    """Switch one word on or off, or remove it."""
    word, action = visit.form.text("word"), visit.form.text("do")
    if action == "remove":
        return _change(visit, "POST", "/words", {"remove": [word]}, "removed")
    return _change(visit, "POST", "/words", {"add": [{"word": word, "enabled": action == "on"}]})


@page("GET", "/c/{key}/rules/words/upload", needs=OPERATOR)
def upload(visit: Visit) -> Reply:
    return _upload(visit)


def _upload(visit: Visit, error: ApiError | None = None) -> Reply:
    """Show the form that uploads a workbook straight to the storage."""
    begun = visit.api.change("POST", f"{ROUTE}/uploads", key=visit.key)
    address = urlsplit(begun["upload"]["url"])
    origin = f"{address.scheme}://{address.netloc}"
    policy = {"connect-src": origin, "form-action": origin}
    return visit.show("words/upload.html", error=error, begun=begun, policy=policy)


@page("POST", "/c/{key}/rules/words/upload", needs=OPERATOR)
def take(visit: Visit) -> Reply:
    """Take the words of an uploaded workbook, all or none."""
    body = {"upload": visit.form.text("upload"), "replace": visit.form.text("replace") == "1"}
    try:
        visit.api.change("POST", f"{ROUTE}/import", body, key=visit.key)
    except ApiError as error:
        return _upload(visit, error)
    return visit.go(visit.at("/rules/words"), "imported")


@page("POST", "/c/{key}/rules/words/export", needs=OPERATOR)
def export(visit: Visit) -> Reply:
    """Make a workbook of all words, which can be changed and uploaded again."""
    made = visit.api.change("POST", f"{ROUTE}/export", key=visit.key)
    return _shown(visit, file=made["url"])
