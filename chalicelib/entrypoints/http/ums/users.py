"""Users in UMS's format: add, change and delete them, each independently of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Invalid
from chalicelib.domain.limits import MAX_USERS
from chalicelib.domain.members import Role
from chalicelib.domain.users import ALL, UserChange
from chalicelib.entrypoints.http import allowances
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import (
    PARAMETER,
    SCOPE_REFUSED,
    UNKNOWN_USER,
    USER_BUSY,
    Refused,
)
from chalicelib.entrypoints.http.problems import users_error
from chalicelib.entrypoints.http.route import Auth, route
from chalicelib.entrypoints.http.sentences import text_of
from chalicelib.manage import users

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.user_entries import Entry, UserIds

bp = Blueprint(__name__)


@route(
    bp,
    "/v1/user/opt",
    "POST",
    auth=Auth.EITHER,
    error_response=users_error,
    request="user_entries.Entries",
    response="user_entries.Changed",
    tag="users",
    role=Role.OPERATOR,
)
def change_users(context: RequestContext) -> dict[str, Any]:
    """Add and change users. A wrong entry does not keep the others from being saved."""
    body = context.json()
    # UMS's guides show a single user without a list, too.
    entries = [body] if isinstance(body, Mapping) and "userid" in body else body
    _check_count(entries, "users", "用户")
    allowances.change(context, len(entries))
    changes: list[UserChange] = []
    failed: list[dict[str, str]] = []
    for n, raw in enumerate(entries):
        try:
            entry: Entry = context.validate(raw, "user_entries.Entry")
            change = entry.user_change()
            users.check_scopes(context.world, context.channel, change)
            changes.append(users.fold_singles(change))
        except Refused as error:
            failed.append(_failure(raw, error.code, f"[{n}].{error.message}"))
        except Invalid as error:
            failed.append(
                _failure(raw, SCOPE_REFUSED, f"[{n}].{error.field}: {text_of(error.reason).both}")
            )
    lost = users.change(context.world, changes, caller=context.channel) if changes else {}
    userids = [change.userid for change in changes]
    shared = [c.userid for c in changes if c.attributes or ALL in c.scopes()]
    _log_users(context, "/v1/user/opt", userids if context.member else shared, lost)
    return _answered(userids, lost, failed)


@route(
    bp,
    "/v1/user/delete",
    "POST",
    auth=Auth.ACCESS,
    error_response=users_error,
    request="user_entries.UserIds",
    response="user_entries.Changed",
    tag="users",
    role=Role.OPERATOR,
)
def delete_users(context: RequestContext) -> dict[str, Any]:
    """Delete users with everything that is bound to them, each independently of the others."""
    entries = context.json()
    _check_count(entries, "user ids", " userid")
    allowances.change(context, len(entries))
    userids: list[str] = []
    failed: list[dict[str, str]] = []
    for n, entry in enumerate(entries):
        try:
            checked: UserIds = context.validate([entry], "user_entries.UserIds")
            userids += checked.root
        except Refused as error:
            failed.append(_failure(entry, error.code, f"[{n}]: {error.reason.both}"))
    lost = users.delete(context.world, userids) if userids else {}
    _log_users(context, "/v1/user/delete", userids, lost)
    return _answered(userids, lost, failed)


def _check_count(entries: Any, english: str, chinese: str) -> None:
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_USERS:
        raise Refused(
            PARAMETER,
            f"must be a list of 1 to {MAX_USERS} {english}",
            f"须为 1 到 {MAX_USERS} 个{chinese}的数组",
            field="body",
        )


_CODES: Mapping[str, int] = {users.BUSY: USER_BUSY, users.UNKNOWN: UNKNOWN_USER}


def _log_users(
    context: RequestContext, path: str, userids: Sequence[str], lost: Mapping[str, str]
) -> None:
    """Write one audit entry for a request that changed users.

    It has the user id, or the number of users if there are several. An access channel's entry says
    that what is bound to `all` was changed.
    """
    changed = [userid for userid in dict.fromkeys(userids) if userid not in lost]
    if not changed:
        return
    ids = {"userid": changed[0]} if len(changed) == 1 else {"users": str(len(changed))}
    log_change(context, "POST", path, ids if context.member else {**ids, "scope": ALL})


def _answered(
    userids: Sequence[str], lost: Mapping[str, str], failed: Sequence[dict[str, str]]
) -> dict[str, Any]:
    """Build the answer per user."""
    not_saved = [
        _failure(userid, _CODES.get(reason, PARAMETER), text_of(reason).both)
        for userid, reason in lost.items()
    ]
    success = [userid for userid in dict.fromkeys(userids) if userid not in lost]
    data = {"success": success, "fail": [*failed, *not_saved]}
    return {"code": 0, "message": "success", "data": data}


def _failure(entry: Any, code: int, message: str) -> dict[str, str]:
    userid = entry.get("userid") if isinstance(entry, Mapping) else entry
    return {"userid": _shown(userid), "errcode": str(code), "errmsg": message}


def _shown(userid: Any) -> str:
    """Return the userid of an entry as a caller can find it in the request, whatever it is."""
    if isinstance(userid, str):
        return userid[:64]
    return "" if userid is None else json.dumps(userid, ensure_ascii=False)[:64]
