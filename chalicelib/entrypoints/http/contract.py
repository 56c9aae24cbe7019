"""What a route declares about itself: who may call it, what it takes and gives, how it refuses. openapi.py reads it from the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from chalicelib.domain.members import Role


class Auth(Enum):
    """Who may call a route."""

    CHANNEL = "channel_key and master_secret of an access channel"
    ACCESS = "global access_key and access_secret"
    EITHER = "one of both"
    WEBHOOK = "unguessable token in the path"
    NOBODY = "nobody needs to say who they are"


@dataclass(frozen=True)
class Contract:
    """Shapes by name (`send.TemplateSend`), "" for none. `errors` are HTTP statuses (404) and business codes (1015026)."""

    auth: Auth
    shape: Callable[[Any], Any]  # how it refuses
    limit: int  # bytes of a body
    methods: tuple[str, ...]
    takes: str = ""
    form: bool = False  # whether that is a form with a `file` besides, instead of JSON
    gives: str = ""
    query: str = ""
    status: int = 200  # of success
    also: tuple[int, ...] = ()  # other successes, of the same shape
    media: str = "application/json"  # of success
    errors: tuple[int, ...] = ()
    tag: str = ""
    role: Role | None = None  # that a member needs; None: reading, which every member may
    matches: bool = False  # whether `If-Match` is required
    headers: tuple[str, ...] = ()  # of a request, that mean something here
    rate: tuple[str, int] | None = (
        None  # an allowance of its own: its name, and requests a second of one access channel
    )

    def refusals(self, path: str) -> frozenset[int]:
        """What it may answer besides success: declared, and what follows from the rest."""
        found = {*self.errors, 429, 500}
        if self.auth in (Auth.CHANNEL, Auth.ACCESS, Auth.EITHER):
            found |= {400, 401}
        if self.auth in (Auth.CHANNEL, Auth.EITHER):
            found.add(1015005)
        if self.auth is Auth.WEBHOOK:
            found |= {400, 403, 413}
        if self.role is not None:
            found.add(403)
        if self.takes:
            found |= {400, 413, 415}
        if self.query:
            found.add(400)
        if "{" in path:
            found.add(404)
        if self.matches:
            found |= {400, 409, 412, 428}
        return frozenset(found)
