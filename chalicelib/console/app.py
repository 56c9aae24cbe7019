"""The console's one entry: it finds the page, signs people in, and answers errors as pages."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.console import assets, labels, pages
from chalicelib.console.door import SESSION, ApiError, Door, Problem, Reply, Request
from chalicelib.console.routes import Route, match
from chalicelib.console.texts import LANGUAGES
from chalicelib.console.visit import Visit

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
FIRST = ("/account", "/sign-out")  # pages for whoever must change the password first
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def serve(door: Door, request: Request) -> Reply:
    """Answer a request. Errors that nobody expected are the door's."""
    if request.path.startswith("/assets/"):
        found = assets.serve(
            request.path.removeprefix("/assets/"), request.headers.get("accept-encoding", "")
        )
        return found or secured(Reply(404, "", "text/plain"))
    pages.load()
    return secured(_page(door, request))


def _page(door: Door, request: Request) -> Reply:
    person = door.sessions.person(request.cookies.get(SESSION, ""))
    preferred = person.preferences.get("language", "") if person else ""
    language = request.cookies.get("lang", "") or preferred
    if language not in LANGUAGES:
        language = door.language(request.headers.get("accept-language", ""))
    visit = Visit(door, request, language, person)
    found = match(request.method, request.path)
    try:
        if found is None:
            raise ApiError(404, [Problem("", visit.say("There is no such page."))])
        visit.ids = found[1]
        if person is not None and found[0].is_of_access_channel:
            visit.person = replace(person, at=visit.key)
        return _admitted(visit, found[0])
    except ApiError as error:
        return _refused(visit, error)


def _admitted(visit: Visit, route: Route) -> Reply:
    """Call a page for those who may see it, and whose form was made by us for them."""
    person = visit.person
    if _is_foreign(visit.request):
        raise ApiError(403, [Problem("", visit.say("This form came from another site."))])
    if not route.is_open:
        if person is None:
            return _sign_in_first(visit)
        if person.must_change and not route.path.startswith(FIRST):
            return visit.go(visit.to("/account"))
        if not person.may(route.needs):
            raise ApiError(403, [Problem("", _needs(visit, route))])
    if route.method == "POST":
        _read(visit, route)
    if person is not None and route.method == "GET" and "key" in visit.ids and not visit.is_part:
        _ = visit.access_channels  # read first: the page's own is among them, and kept
    return route.view(visit)


def _read(visit: Visit, route: Route) -> None:
    """Read the form for a page, whose role the person has by now. Raises ApiError."""
    visit.request = visit.door.read(
        visit.request, visit.language, takes_files=route.takes_files and visit.person is not None
    )
    if visit.request.is_too_large:
        raise ApiError(413, [Problem("", visit.say("The form is too large. Choose less."))])
    if not route.is_open and not hmac.compare_digest(
        visit.form.text("csrf").encode(), visit.who.csrf.encode()
    ):
        raise ApiError(403, [Problem("", visit.say("The page was too old. Open it again."))])


def _is_foreign(request: Request) -> bool:
    """Tell if another site made the browser send a change. Browsers say so."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.method not in ("GET", "HEAD") and site not in ("same-origin", "none")


def _sign_in_first(visit: Visit) -> Reply:
    if visit.is_part:
        return Reply(200, headers={"HX-Refresh": "true"})
    back = visit.back if visit.request.method == "GET" else ""
    return visit.go(visit.to("/sign-in", next=back))


def _needs(visit: Visit, route: Route) -> str:
    name = visit.say(labels.ROLES[route.needs])
    if route.method == "GET":
        return visit.say("This page takes the role “%(role)s”.", role=name)
    return visit.say("You can look, not change. That takes the role “%(role)s”.", role=name)


def _refused(visit: Visit, error: ApiError) -> Reply:
    if visit.is_part:
        return visit.show("part_error.html", error=error)
    if visit.person is None and error.status == 401:
        return _sign_in_first(visit)
    visit.ids = {}
    template = "error.html" if visit.person else "sign_in/error.html"
    is_gone = error.status == 404 and visit.request.method == "GET"
    return visit.show(template, error=error, is_gone=is_gone)


def secured(reply: Reply) -> Reply:
    """Add the policy and the other headers of pages."""
    policy = "; ".join(
        f"{directive} {sources} {reply.policy.get(directive, '')}".strip()
        for directive, sources in POLICY.items()
    )
    headers: Mapping[str, str] = {"Content-Security-Policy": policy, **HEADERS, **reply.headers}
    return replace(reply, headers=headers)
