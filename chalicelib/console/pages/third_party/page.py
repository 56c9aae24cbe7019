"""Third-party templates and signatures of a delivery channel, and the provider's library."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import number_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 50
LIST, ONE = "channels/{code}/templates", "channels/{code}/templates/{id}"
SIGNATURES, SIGNATURE = "channels/{code}/signatures", "channels/{code}/signatures/{id}"
LIBRARY, TITLE = "channels/{code}/library", "channels/{code}/library/{id}"


@page("GET", "/channels/{code}/templates")
def templates(visit: Visit) -> Reply:
    return _listed(visit)


@page("GET", "/channels/{code}/signatures")
def signatures(visit: Visit) -> Reply:
    return _listed(visit, is_signature=True)


def _listed(
    visit: Visit,
    *,
    is_signature: bool = False,
    error: ApiError | None = None,
    check: Any = None,
) -> Reply:
    code, text = visit.ids["code"], visit.asked("text")
    query = {"limit": PAGE, "text": text or None, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get(SIGNATURES if is_signature else LIST, query=query, code=code)
    return visit.show(
        "third_party/list.html",
        at=visit.to("/channels", code, "signatures" if is_signature else "templates"),
        error=error,
        channel=_channel(visit),
        code=code,
        found=listed["signatures" if is_signature else "templates"],
        actions=listed["actions"],
        cursor=listed["cursor"],
        is_signature=is_signature,
        text=text,
        check=check,
    )


def _channel(visit: Visit) -> Mapping[str, Any] | None:
    """Return the delivery channel, None if it was deleted."""
    try:
        found: Mapping[str, Any] = visit.api.get("channels/{code}", code=visit.ids["code"])
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return found


def _ask(visit: Visit, path: str, body: Any = None, **more: Any) -> Reply:
    """Ask the provider something, and show the list with what became of it."""
    is_signature, method = "signatures" in path, more.pop("method", "POST")
    try:
        check = visit.api.change(method, path, body, code=visit.ids["code"], **more)
    except ApiError as error:
        return _listed(visit, is_signature=is_signature, error=error)
    return _listed(visit, is_signature=is_signature, check=check)


@page("POST", "/channels/{code}/templates/refresh", needs=OPERATOR)
def refresh(visit: Visit) -> Reply:
    return _ask(visit, f"{LIST}/refresh")


@page("POST", "/channels/{code}/signatures/refresh", needs=OPERATOR)
def refresh_signatures(visit: Visit) -> Reply:
    return _ask(visit, f"{SIGNATURES}/refresh")


@page("POST", "/channels/{code}/templates/import", needs=OPERATOR)
def import_template(visit: Visit) -> Reply:
    body = {"id": visit.form.text("id"), "title": visit.form.text("title")}
    return _ask(visit, f"{LIST}/import", {**body, "text": visit.form.raw("text").strip()})


@page("POST", "/channels/{code}/signatures/import", needs=OPERATOR)
def import_signature(visit: Visit) -> Reply:
    return _ask(visit, f"{SIGNATURES}/import", {"id": visit.form.text("id")})


@page("POST", "/channels/{code}/templates/{id}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    return _ask(visit, ONE, method="DELETE", id=visit.ids["id"])


@page("POST", "/channels/{code}/signatures/{id}/delete", needs=OPERATOR)
def delete_signature(visit: Visit) -> Reply:
    return _ask(visit, SIGNATURE, method="DELETE", id=visit.ids["id"])


# -- texts and signatures that the provider reviews


@page("GET", "/channels/{code}/templates/new", needs=OPERATOR)
def new(visit: Visit) -> Reply:
    return _form(visit, None)


@page("GET", "/channels/{code}/signatures/new", needs=OPERATOR)
def new_signature(visit: Visit) -> Reply:
    return _form(visit, None, is_signature=True)


@page("GET", "/channels/{code}/templates/{id}")
def template(visit: Visit) -> Reply:
    return _form(visit, visit.api.get(ONE, code=visit.ids["code"], id=visit.ids["id"]))


@page("GET", "/channels/{code}/signatures/{id}")
def signature(visit: Visit) -> Reply:
    found = visit.api.get(SIGNATURE, code=visit.ids["code"], id=visit.ids["id"])
    return _form(visit, found, is_signature=True)


def _form(
    visit: Visit,
    found: Mapping[str, Any] | None,
    *,
    is_signature: bool = False,
    error: ApiError | None = None,
) -> Reply:
    return visit.show(
        "third_party/form.html",
        error=error,
        code=visit.ids["code"],
        found=found,
        is_signature=is_signature,
    )


@page("POST", "/channels/{code}/templates/new", needs=OPERATOR)
def create(visit: Visit) -> Reply:
    return _drafted(visit, LIST, _text(visit))


@page("POST", "/channels/{code}/signatures/new", needs=OPERATOR, takes_files=True)
def create_signature(visit: Visit) -> Reply:
    return _drafted(visit, SIGNATURES, _signature(visit))


@page("POST", "/channels/{code}/templates/{id}", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    return _drafted(visit, ONE, _text(visit))


@page("POST", "/channels/{code}/signatures/{id}", needs=OPERATOR, takes_files=True)
def change_signature(visit: Visit) -> Reply:
    return _drafted(visit, SIGNATURE, _signature(visit))


def _text(visit: Visit) -> dict[str, Any]:
    body = {name: visit.form.text(name) for name in ("text", "category", "remark")}
    return {**body, "seconds": visit.form.number("seconds") or 0}


def _signature(visit: Visit) -> dict[str, Any]:
    body: dict[str, Any] = {name: visit.form.text(name) for name in ("text", "remark")}
    images = [base64.b64encode(file).decode() for file in visit.request.files.get("images", ())]
    return {**body, "type": visit.form.number("type") or 0, "images": images}


def _drafted(visit: Visit, path: str, body: Any) -> Reply:
    """Create or change what the provider reviews. The form keeps what was typed."""
    code, id, is_signature = visit.ids["code"], visit.ids.get("id"), "signatures" in path
    found = visit.api.get(path, code=code, id=id) if id else None
    try:
        if id:
            version = visit.form.version
            check = visit.api.change("PUT", path, body, version=version, code=code, id=id)
        else:
            check = visit.api.change("POST", path, body, code=code)
    except ApiError as error:
        return _form(visit, found, is_signature=is_signature, error=error)
    return _listed(visit, is_signature=is_signature, check=check)


# -- the provider's library


@page("GET", "/channels/{code}/library")
def library(visit: Visit) -> Reply:
    return _library(visit)


def _library(visit: Visit, error: ApiError | None = None, check: Any = None) -> Reply:
    text = visit.asked("text")
    query = {"limit": PAGE, "text": text or None, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get(LIBRARY, query=query, code=visit.ids["code"])
    return visit.show(
        "third_party/library.html",
        error=error,
        code=visit.ids["code"],
        text=text,
        titles=listed["titles"],
        synced=listed["synced"],
        cursor=listed["cursor"],
        check=check,
    )


@page("POST", "/channels/{code}/library/sync", needs=OPERATOR)
def sync(visit: Visit) -> Reply:
    try:
        check = visit.api.change("POST", f"{LIBRARY}/sync", None, code=visit.ids["code"])
    except ApiError as error:
        return _library(visit, error)
    return _library(visit, check=check)


@page("GET", "/channels/{code}/library/{id}")
def title(visit: Visit) -> Reply:
    return _title(visit)


def _title(visit: Visit, error: ApiError | None = None, check: Any = None) -> Reply:
    code = visit.ids["code"]
    found = visit.api.get(TITLE, code=code, id=visit.ids["id"])
    return visit.show("third_party/title.html", error=error, code=code, found=found, check=check)


@page("POST", "/channels/{code}/library/{id}/keywords", needs=OPERATOR)
def ask_keywords(visit: Visit) -> Reply:
    code, id = visit.ids["code"], visit.ids["id"]
    try:
        check = visit.api.change("POST", f"{TITLE}/keywords", None, code=code, id=id)
    except ApiError as error:
        return _title(visit, error)
    return _title(visit, check=check)


@page("POST", "/channels/{code}/library/{id}", needs=OPERATOR)
def choose(visit: Visit) -> Reply:
    """Make a template with the keywords that were ticked, in the order of the library."""
    code, id = visit.ids["code"], visit.ids["id"]
    ticked = [number_of(number) for number in visit.form.many("keywords")]
    body = {"keywords": ticked, "scene": visit.form.text("scene")}
    try:
        check = visit.api.change("POST", f"{TITLE}/choose", body, code=code, id=id)
    except ApiError as error:
        return _title(visit, error)
    return _listed(visit, check=check)
