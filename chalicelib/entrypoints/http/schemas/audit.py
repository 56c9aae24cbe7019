"""The audit log of the management API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.domain.audit import MONTH, Actor
from chalicelib.entrypoints.http.schemas.base import Answer, ListQuery, Page


class AuditQuery(ListQuery):
    month: Annotated[str, Field(pattern=f"^({MONTH.pattern})?$")] = ""


class Change(Answer):
    """An audit entry: a change, the caller who made it, its time (ms) and its HTTP status."""

    id: str
    time: int
    access_key: str
    member: str
    actor: Actor
    method: str
    route: str
    ids: dict[str, str]
    status: int


class Changes(Page):
    changes: list[Change]
