"""Imports: upload a file, watch its progress, and get the rows that failed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
N_ = str  # marks a text for the catalogue
KINDS = {
    "users": N_("Users with their contacts"),
    "tags": N_("Tags of users"),
    "segment": N_("Members of a segment"),
    "list": N_("Members of a black- or whitelist"),
    "suppressions": N_("Contacts to suppress"),
}


@page("GET", "/c/{key}/imports")
def imports(visit: Visit) -> Reply:
    query = {"limit": 20, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("imports", query=query)
    return visit.show(
        "imports/list.html", imports=listed["imports"], cursor=listed["cursor"], kinds=KINDS
    )


@page("GET", "/c/{key}/imports/new", needs=OPERATOR)
def ask(visit: Visit) -> Reply:
    return visit.show("imports/new.html", kinds=KINDS)


@page("POST", "/c/{key}/imports/new", needs=OPERATOR)
def begin(visit: Visit) -> Reply:
    """Begin an import. Its page has the form that uploads straight to the storage."""
    form = visit.form
    body: dict[str, Any] = {"kind": form.text("kind"), "format": form.text("format")}
    if form.text("target"):
        body["target"] = form.number("target")
    try:
        begun = visit.api.change("POST", "imports", body)
    except ApiError as error:
        return visit.show("imports/new.html", error=error, kinds=KINDS)
    address = urlsplit(begun["upload"]["url"])
    origin = f"{address.scheme}://{address.netloc}"
    policy = {"connect-src": origin, "form-action": origin}
    return visit.show("imports/upload.html", entry=begun, kinds=KINDS, policy=policy)


@page("GET", "/c/{key}/imports/template")
def template(visit: Visit) -> Reply:
    kind = visit.asked("kind", "users")
    text = visit.api.get("imports/template", query={"kind": kind})
    headers = {"Content-Disposition": f'attachment; filename="{kind}.csv"'}
    return Reply(200, text, "text/csv; charset=utf-8", headers)


@page("POST", "/c/{key}/imports/{id}/start", needs=OPERATOR)
def start(visit: Visit) -> Reply:
    id = visit.ids["id"]
    try:
        visit.api.change("POST", "imports/{id}/start", None, id=id)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/imports", id), "started")


@page("GET", "/c/{key}/imports/{id}")
def progress(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    entry = visit.api.get("imports/{id}", id=visit.ids["id"])
    return visit.show("imports/import.html", error=error, entry=entry, kinds=KINDS)
