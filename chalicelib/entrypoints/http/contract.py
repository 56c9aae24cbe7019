"""The declaration of a route: its callers, schemas and errors. openapi/ reads it from the app."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from chalicelib.domain.members import Role
from chalicelib.domain.values import frozen


class Auth(Enum):
    """The credentials that a route asks for."""

    CHANNEL = "channel_key and master_secret of an access channel"
    ACCESS = "global access_key and access_secret"
    EITHER = "one of both"
    WEBHOOK = "unguessable token in the path"
    NOBODY = "no credentials"


@frozen
class Contract:
    """Schemas are named (`send.TemplateSend`), "" for none.

    `errors` are HTTP statuses (404) and business codes (1015026).
    """

    auth: Auth
    error_response: Callable[[Any, str], Any]  # of a Problem, and the Accept-Language header
    limit: int  # bytes of a body
    methods: tuple[str, ...]
    request: str = ""
    form: bool = False  # the request is a form with a `file` besides its fields, instead of JSON
    response: str = ""
    query: str = ""
    status: int = 200  # of success
    also: tuple[int, ...] = ()  # other successes, with the same schema
    media: str = "application/json"  # of success
    errors: tuple[int, ...] = ()
    tag: str = ""
    role: Role | None = None  # that a member needs, READ_ONLY: every member. None: not for members
    matches: bool = False  # `If-Match` is required
    headers: tuple[str, ...] = ()  # request headers that mean something here
    rate: tuple[str, int] | None = None  # a limit of its own: name, requests a second per caller

    @property
    def changes(self) -> bool:
        """Tell if the route changes something. Every member may call the others."""
        return self.role not in (None, Role.READ_ONLY)

    def refusals(self, path: str) -> frozenset[int]:
        """Return every error that the route may answer: declared, or implied by other fields."""
        errors = {*self.errors, 429, 500, 503}
        if self.auth in (Auth.CHANNEL, Auth.ACCESS, Auth.EITHER):
            errors |= {400, 401}
        if self.auth in (Auth.CHANNEL, Auth.EITHER):
            errors.add(1015005)
        if self.auth is Auth.WEBHOOK:
            errors |= {400, 403, 413}
        if self.changes:
            errors.add(403)
        if self.request:
            errors |= {400, 413, 415}
        if self.query:
            errors.add(400)
        if "{" in path:
            errors.add(404)
        if self.matches:
            errors |= {400, 409, 412, 428}
        return frozenset(errors)
