"""Signing in and out, and preferences that need no account: language."""

from __future__ import annotations

import re

from chalicelib.console.door import SESSION, ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.texts import LANGUAGES
from chalicelib.console.visit import LONGEST, Visit

PENDING = "__Host-pending"
DEVICE = "__Host-device"
SECURE = "Path=/; Secure; HttpOnly; SameSite=Lax"
HOURS_12 = 43_200
DAYS_180 = 15_552_000


@page("GET", "/sign-in", is_open=True)
def ask(visit: Visit) -> Reply:
    return visit.show("sign_in/sign_in.html", next=visit.asked("next"))


@page("POST", "/sign-in", is_open=True)
def sign_in(visit: Visit) -> Reply:
    name, password = visit.form.text("name"), visit.form.raw("password")
    wanted, device = visit.form.text("next"), visit.request.cookies.get(DEVICE, "")
    try:
        source = visit.request.source
        cookie, needs_code = visit.door.sessions.sign_in(name, password, source, device)
    except ApiError as error:
        return visit.show("sign_in/sign_in.html", error=error, next=wanted)
    if needs_code:
        pending = f"{PENDING}={cookie}; Max-Age=300; {SECURE}"
        return Reply(303, headers={"Location": visit.to("/code", next=wanted)}, cookies=(pending,))
    return _signed_in(visit, cookie, wanted)


@page("GET", "/code", is_open=True)
def ask_code(visit: Visit) -> Reply:
    return visit.show("sign_in/code.html", next=visit.asked("next"))


@page("POST", "/code", is_open=True)
def check_code(visit: Visit) -> Reply:
    wanted = visit.form.text("next")
    try:
        cookie = visit.door.sessions.confirm(
            visit.request.cookies.get(PENDING, ""), visit.form.text("code")
        )
    except ApiError as error:
        return visit.show("sign_in/code.html", error=error, next=wanted)
    return _signed_in(visit, cookie, wanted)


def _signed_in(visit: Visit, cookie: str, wanted: str) -> Reply:
    """Open the page that was asked for, which must be a page of the console."""
    cookies = (
        f"{SESSION}={cookie}; Max-Age={HOURS_12}; {SECURE}",
        f"{DEVICE}={visit.door.sessions.new_device(cookie)}; Max-Age={DAYS_180}; {SECURE}",
        f"{PENDING}=; Max-Age=0; {SECURE}",
    )
    return Reply(303, headers={"Location": visit.to(_ours(wanted))}, cookies=cookies)


def _ours(wanted: str) -> str:
    """Return the address of a page as `Visit.back` writes it, or that of the overview."""
    is_ours = re.fullmatch(r"/[A-Za-z0-9_][\w./?=&%+~-]*", wanted, re.ASCII)
    leads_out = re.search(r"/(?:\.|%2e){1,2}(?:[/?]|\Z)", wanted, re.IGNORECASE)
    return wanted if is_ours and not leads_out and len(wanted) <= LONGEST else "/"


@page("POST", "/sign-out")
def sign_out(visit: Visit) -> Reply:
    visit.door.sessions.sign_out(visit.request.cookies.get(SESSION, ""))
    cookie = f"{SESSION}=; Max-Age=0; {SECURE}"
    return Reply(303, headers={"Location": visit.to("/sign-in")}, cookies=(cookie,))


@page("POST", "/preferences", is_open=True)
def prefer(visit: Visit) -> Reply:
    """Choose the language, and stay on the page."""
    language = visit.form.text("lang")
    cookies: tuple[str, ...] = ()
    if language in LANGUAGES:
        cookies = (f"lang={language}; Path=/console; Max-Age=31536000; SameSite=Lax; Secure",)
    address = visit.to(_ours(visit.form.text("back")))
    return Reply(303, headers={"Location": address}, cookies=cookies)
