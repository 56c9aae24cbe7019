"""The key that seals contacts and contents."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import data_keys

bp = Blueprint(__name__)


@admin(
    bp,
    "data-keys",
    "POST",
    response="data_keys.DataKey",
    role=Role.ADMINISTRATOR,
    status=201,
    tag="members",
)
def add_data_key(context: RequestContext) -> dict[str, Any]:
    """Make a new data key. New values are sealed with it, and old ones still open."""
    return {"version": data_keys.add(context.world)}
