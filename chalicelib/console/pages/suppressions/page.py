"""Suppressed contacts: those that no access channel of the deployment sends to."""

from __future__ import annotations

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value


@page("GET", "/c/{key}/suppressions")
def suppressions(visit: Visit) -> Reply:
    return visit.show("suppressions/suppressions.html", found=None)


@page("POST", "/c/{key}/suppressions/search")
def search(visit: Visit) -> Reply:
    """Look one contact up. It stands in the body: addresses are logged in many places."""
    body = {"type": visit.form.text("kind"), "contact": visit.form.text("contact")}
    try:
        found = visit.api.change("POST", "suppressions/search", body)
    except ApiError as error:
        return visit.show("suppressions/suppressions.html", error=error, found=None)
    return visit.show("suppressions/suppressions.html", found=found)


@page("POST", "/c/{key}/suppressions", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    """Suppress contacts, or lift their suppression."""
    body = {"type": visit.form.text("type"), "contacts": visit.form.lines("contacts")}
    lift = visit.form.text("do") == "lift"
    try:
        visit.api.change("POST", "suppressions/remove" if lift else "suppressions", body)
    except ApiError as error:
        return visit.show("suppressions/suppressions.html", error=error, found=None)
    return visit.go(visit.at("/suppressions"), "lifted" if lift else "suppressed")


@page("POST", "/c/{key}/suppressions/export", needs=OPERATOR)
def export(visit: Visit) -> Reply:
    """Make the next file of suppressed contacts."""
    body = {"cursor": visit.form.text("cursor")}
    try:
        made = visit.api.change("POST", "suppressions/export", body)
    except ApiError as error:
        return visit.show("suppressions/suppressions.html", error=error, found=None)
    return visit.show("suppressions/export.html", made=made)
