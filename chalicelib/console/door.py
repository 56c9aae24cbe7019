"""Values between the console and its door: requests, replies, people, and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.members import Role
from chalicelib.domain.values import frozen

HTML = "text/html; charset=utf-8"
SESSION = "__Host-session"  # the cookie of a session


@frozen
class Request:
    """A request of a browser. `path` begins after `/console`.

    `form` and `files` are empty until the door reads the body for a page that may get them.
    `files` are contents by the field of the form. `is_too_large`: the body was not read.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    source: str = ""  # the address that it came from
    body: bytes = field(default=b"", repr=False)
    files: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    is_too_large: bool = False


@frozen
class Reply:
    """A reply. `policy` holds further sources of its Content-Security-Policy by directive.

    `is_refusal`: for want of a right, also where a part of a page says so with status 200.
    """

    status: int = 200
    body: str | bytes = ""
    media: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    policy: Mapping[str, str] = field(default_factory=dict)
    is_refusal: bool = False


@frozen
class Person:
    """A member who is signed in. `at`: the access channel of the page, where `roles` add rights."""

    key: str
    name: str
    role: Role
    roles: Mapping[str, Role] = field(default_factory=dict)
    at: str = ""
    csrf: str = field(default="", repr=False)
    login: str = ""
    must_change: bool = False
    second_factor: bool = False
    preferences: Mapping[str, str] = field(default_factory=dict)

    def may(self, role: str) -> bool:
        needed, here = Role(role), self.roles.get(self.at)
        return self.role.may(needed) or (here is not None and here.may(needed))

    def may_everywhere(self, role: str) -> bool:
        """Tell what `may` tells of pages that belong to all access channels."""
        return self.role.may(Role(role))


class Problem(NamedTuple):
    """A reason why something was refused, in the person's language. `field` may be empty."""

    field: str
    reason: str


class ApiError(Exception):
    """A refusal by the API."""

    def __init__(self, status: int, problems: Sequence[Problem], seconds: int = 0) -> None:
        super().__init__(f"{status} {problems}")
        self.status, self.problems, self.seconds = status, problems, seconds


class Api(Protocol):
    """The API as the person who is signed in may use it. Refusals are raised as ApiError."""

    def get(self, path: str, /, *, query: Mapping[str, Any] | None = None, **ids: str) -> Any:
        """Read. `path` is a route of the API, such as `templates/{template_id}`."""

    def change(
        self,
        method: str,
        path: str,
        /,
        body: Any = None,
        *,
        version: int | None = None,
        once: str = "",
        **ids: str,
    ) -> Any:
        """Change something, which the audit log keeps.

        `version` is the one that was read, and `once` an idempotency key.
        """

    def withdraw(self, channel_key: str, msgid: str) -> None:
        """Withdraw a message, as its sender may."""


class Sessions(Protocol):
    """Signing in and out. Refusals are raised as ApiError."""

    def person(self, cookie: str) -> Person | None: ...
    def sign_in(self, name: str, password: str, source: str, device: str) -> tuple[str, bool]:
        """Return a session's cookie, or a pending one with True if a code must follow.

        `device`: the cookie of `new_device`, if the browser has one.
        """

    def confirm(self, pending: str, code: str) -> str:
        """Return the session's cookie, for a pending one and a code."""

    def new_device(self, cookie: str) -> str:
        """Return a cookie by which the browser of a session is known later."""

    def sign_out(self, cookie: str) -> None: ...
    def change_password(self, cookie: str, old: str, new: str) -> str:
        """Change one's own password. Return the cookie of a new session."""

    def set_second_factor(self, cookie: str, secret: bytes, code: str) -> None: ...
    def drop_second_factor(self, cookie: str, code: str) -> None: ...


class Door(Protocol):
    """Everything that the console gets from outside."""

    @property
    def utc_offset(self) -> float: ...
    @property
    def currency(self) -> str: ...
    @property
    def public_url(self) -> str: ...
    @property
    def submit_within(self) -> int:
        """The seconds for which a delivery may wait before it is submitted."""

    @property
    def sandbox_url(self) -> str:
        """The sandbox that the deployment is attached to, empty without one."""

    @property
    def sessions(self) -> Sessions: ...
    def now(self) -> int:
        """Return milliseconds since the epoch."""

    def api(self, person: Person, language: str) -> Api: ...
    def read(self, asked: Request, language: str, *, takes_files: bool) -> Request:
        """Return a request with its form. Raises ApiError for one that cannot be read."""

    def language(self, accepted: str) -> str:
        """Return the language that an Accept-Language header prefers: zh or en."""
