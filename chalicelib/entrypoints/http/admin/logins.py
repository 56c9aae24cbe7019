"""Logins of members to the console: who has one, its first password, and its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.logins import Login
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.logins import LoginBody

bp = Blueprint(__name__)

PATH = "members/{access_key}/login"


@admin(
    bp,
    PATH,
    "PUT",
    request="logins.LoginBody",
    response="logins.NewLogin",
    errors=(409,),
    tag="members",
    role=Role.ADMINISTRATOR,
)
def give_login(context: RequestContext, access_key: str) -> dict[str, Any]:
    """Give a member a login to the console, or a new password. The password is shown only once.

    The member changes it at the next sign-in. Sessions end, and a second factor is removed.
    """
    from chalicelib.manage import logins

    body: LoginBody = context.body()
    login, password = logins.give(context.world, known_key(access_key), body.login)
    return {**_shown(login), "password": password, "sessions": 0}


@admin(bp, PATH, "GET", response="logins.Login", tag="members", role=Role.READ_ONLY)
def get_login(context: RequestContext, access_key: str) -> dict[str, Any]:
    """Get a member's login to the console. 404 means that the member has none."""
    from chalicelib.manage import logins

    return _shown(logins.get(context.world, known_key(access_key)))


@admin(bp, PATH, "DELETE", status=204, errors=(409, 412), tag="members", role=Role.ADMINISTRATOR)
def take_login(context: RequestContext, access_key: str) -> Response:
    """Take a member's login to the console away. Sessions end at once."""
    from chalicelib.manage import logins

    logins.take(context.world, known_key(access_key))
    return Response("", {}, 204)


@admin(
    bp,
    f"{PATH}/sessions",
    "DELETE",
    response="logins.SessionsEnded",
    tag="members",
    role=Role.ADMINISTRATOR,
)
def end_sessions(context: RequestContext, access_key: str) -> dict[str, Any]:
    """End every session of a member in the console."""
    from chalicelib.manage import logins

    login = logins.get(context.world, known_key(access_key))
    return {"ended": logins.close_all(context.world, login.key)}


def _shown(login: Login) -> dict[str, Any]:
    return {
        "access_key": login.key,
        "login": login.name,
        "must_change": login.must_change,
        "second_factor": bool(login.totp),
        "sessions": len(login.sessions),
    }
