"""A visit: one request of a person, with everything that its page needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.console import navigation
from chalicelib.console.door import Api, ApiError, Door, Person, Problem, Reply, Request
from chalicelib.console.forms import Form
from chalicelib.console.paths import quoted
from chalicelib.console.render import environment
from chalicelib.console.routes import opened
from chalicelib.console.texts import LANGUAGES, Texts
from chalicelib.domain import zones

_SAFE = "!#$%&'()*+,/:;=?@[]~"  # what an address may hold. No text writes another header.
PAGE, MOST = 100, 1000  # of a list to choose from
# Signs of an address to come back to, which another address quotes. HTTP APIs take 10,240 bytes of
# request line and headers (docs.aws.amazon.com, November 2026).
LONGEST = 2000
FORBIDDEN = 403


def _address(path: str, query: Mapping[str, object]) -> str:
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    root = "" if path == "/" else path
    return f"/console{root}" + (f"?{urlencode(asked, errors='replace')}" if asked else "")


class Visit:
    """A request with its parameters, its person, and the API."""

    def __init__(
        self, door: Door, request: Request, language: str, person: Person | None = None
    ) -> None:
        self.door, self.request, self.language, self.person = door, request, language, person
        self.ids: Mapping[str, str] = {}
        self._place = ""  # of the page that answers a form, if it is not the form's own
        self.texts = Texts(language, door.utc_offset, door.now(), door.currency)
        preferred = person.preferences.get("time_zone", "") if person else ""
        self.texts.zone = zones.zone(preferred) or self.texts.zone

    # -- input

    @property
    def who(self) -> Person:
        if self.person is None:
            raise ApiError(401, [Problem("", "not signed in")])
        return self.person

    @cached_property
    def api(self) -> Api:
        return self.door.api(self.who, self.language)

    @cached_property
    def form(self) -> Form:
        return Form(self.request.form)

    @property
    def key(self) -> str:
        """The access channel of the page."""
        return self.ids["key"]

    def asked(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.request.query.get(name, default)

    def every(self, path: str, name: str, **query: Any) -> list[Mapping[str, Any]]:
        """Return all entries of a list to choose from, not the first page alone."""
        entries: list[Mapping[str, Any]] = []
        cursor = None
        while len(entries) < MOST:
            page = self.api.get(path, query={**query, "limit": PAGE, "cursor": cursor})
            entries += page[name]
            cursor = page.get("cursor")
            if cursor is None:
                break
        return entries

    @property
    def theme(self) -> str:
        """The colours that the browser was told, else those that the person prefers."""
        preferred = self.person.preferences.get("theme", "") if self.person else ""
        return self.request.cookies.get("theme", "") or preferred

    @property
    def is_part(self) -> bool:
        """Tell if htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def say(self, text: str, **values: object) -> str:
        return self.texts.say(text, **values)

    # -- access channels

    @cached_property
    def access_channels(self) -> Sequence[Mapping[str, Any]]:
        return self.every("access-channels", "access_channels")

    @cached_property
    def access_channel(self) -> Mapping[str, Any] | None:
        """The access channel that the page or the last page was about."""
        key = self.ids.get("key") or self.request.cookies.get("channel", "")
        known = {channel["channel_key"]: channel for channel in self.access_channels}
        if key in known:
            return known[key]
        if "key" in self.ids:
            found: Mapping[str, Any] = self.api.get("access-channels/{key}", key=key)
            return found
        return next(iter(known.values()), None)

    @cached_property
    def real_channels(self) -> Sequence[Mapping[str, str]]:
        """The delivery channels that reach people, of a deployment with a sandbox."""
        listed: Sequence[Mapping[str, str]] = self.api.get("sandbox")["real_channels"]
        return listed

    # -- addresses

    def at(self, path: str = "", /, *parts: object, **query: object) -> str:
        """Return the address of a page of the access channel, as `to` does."""
        key = self.access_channel["channel_key"] if self.access_channel else "-"
        return self.to(f"/c/{quoted(key)}{path}", *parts, **query)

    @staticmethod
    def to(path: str, /, *parts: object, **query: object) -> str:
        """Return an address: a path of ours, then parts that may hold any sign, and a query."""
        return _address("".join((path, *(f"/{quoted(part)}" for part in parts))), query)

    def here(self, **changed: object) -> str:
        """Return the address of this page with other parameters. What was done is past by then."""
        return _address(self.path, {**self.request.query, "done": "", **changed})

    @property
    def back(self) -> str:
        """The address of this page for a form or another address, empty if it is too long."""
        address = self.here().removeprefix("/console")
        return address if len(address) <= LONGEST else ""

    @property
    def path(self) -> str:
        """The path of this page as a browser writes it, whether a gateway has decoded it or not.

        A page that answers a form may stand at an address that cannot be opened. Its path is that
        of the page itself.
        """
        path = self.request.path
        if self.request.method == "POST":
            path = self._place or opened(path)
        return quote(path, safe="/%", errors="replace")

    # -- output

    def show(
        self,
        page: str,
        /,
        *,
        status: int = 200,
        at: str = "",
        policy: Mapping[str, str] | None = None,
        error: ApiError | None = None,
        **values: Any,
    ) -> Reply:
        """Render a page. `error` is a refusal, which the page's form explains.

        `at`: the address of the page, which forms with other addresses may answer with.
        """
        self._place = at.removeprefix("/console")
        context = {
            "v": self,
            "t": self.texts,
            "lang": LANGUAGES[self.language],
            "zh": self.language == "zh",
            "me": self.person,
            "form": self.form,
            "errors": error.problems if error else (),
            "nav": navigation,
            "done": self.asked("done"),
            **values,
        }
        body = environment(self.language).get_template(page).render(context)
        cookies = (self._remember(),) if "key" in self.ids and self.person else ()
        reply = Reply(status, body, policy=policy or {}, cookies=cookies)
        return self._refusing(reply, error) if error else reply

    def _refusing(self, reply: Reply, error: ApiError) -> Reply:
        """Return a reply that refuses something. A part keeps its status, or is not shown."""
        status = reply.status if self.is_part else error.status
        headers = {"Retry-After": str(error.seconds)} if error.seconds else {}
        is_refusal = error.status == FORBIDDEN
        return replace(reply, status=status, headers=headers, is_refusal=is_refusal)

    def _remember(self) -> str:
        key = quote(self.ids["key"], safe="")
        return f"channel={key}; Path=/console; Max-Age=31536000; SameSite=Lax; Secure; HttpOnly"

    def go(self, address: str, done: str = "") -> Reply:
        """Send the browser to another page, after a change. `done` names what is now true."""
        if done:
            address += ("&" if "?" in address else "?") + urlencode({"done": done})
        return Reply(303, headers={"Location": quote(address, safe=_SAFE, errors="replace")})
