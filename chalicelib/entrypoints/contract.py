"""What a route declares about itself: who may call it, what it takes and gives, how it refuses. openapi.py reads it from the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


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
    takes: str = ""
    gives: str = ""
    query: str = ""
    status: int = 200  # of success
    errors: tuple[int, ...] = ()
    tag: str = ""
