"""Users: added, changed and deleted, each on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Invalid
from chalicelib.domain.limits import MAX_USERS
from chalicelib.domain.members import Role
from chalicelib.domain.users import UserChange
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.bodies import BadBody
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.route import Auth, Call, route, ums_error
from chalicelib.manage import users

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.users import Entry

bp = Blueprint(__name__)

SCOPE_REFUSED, BUSY, UNKNOWN = (
    1019021,
    1019022,
    1019023,
)  # our own; UMS does not publish the codes of its user API


@route(
    bp,
    "/v1/user/opt",
    "POST",
    auth=Auth.EITHER,
    shape=ums_error,
    takes="users.Entries",
    gives="users.Changed",
    tag="users",
)
def change_users(call: Call) -> dict[str, Any]:
    """Add and change users, each on its own."""
    given = call.json()
    entries = (
        [given] if isinstance(given, Mapping) and "userid" in given else given
    )  # UMS's guides print one user alone, too
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_USERS:
        raise Refused(PARAMETER, f"body: must be a list of 1 to {MAX_USERS} users", field="body")
    changes: list[UserChange] = []
    failed: list[dict[str, str]] = []
    for n, entry in enumerate(entries):
        try:
            checked: Entry = call.validated(entry, "users.Entry")
            one = checked.user_change()
            users.check_scopes(call.world, call.channel, one)
            changes.append(users.fold_singles(one))
        except Refused as error:
            failed.append(_failure(entry, error.code, f"[{n}].{error.message}"))
        except Invalid as error:
            failed.append(_failure(entry, SCOPE_REFUSED, f"[{n}].{error.field}: {error.reason}"))
    lost = users.change(call.world, changes) if changes else {}
    return _answered(call, "/v1/user/opt", [one.userid for one in changes], lost, failed)


@route(
    bp,
    "/v1/user/delete",
    "POST",
    auth=Auth.ACCESS,
    shape=ums_error,
    takes="users.UserIds",
    gives="users.Changed",
    tag="users",
    role=Role.OPERATOR,
)
def delete_users(call: Call) -> dict[str, Any]:
    """Delete users with all that is bound to them, each on its own."""
    entries = call.json()
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_USERS:
        raise Refused(PARAMETER, f"body: must be a list of 1 to {MAX_USERS} user ids", field="body")
    userids: list[str] = []
    failed: list[dict[str, str]] = []
    for n, entry in enumerate(entries):
        try:
            userids.append(call.validated([entry], "users.UserIds").root[0])
        except Refused as error:
            failed.append(
                _failure(
                    {"userid": entry},
                    error.code,
                    f"[{n}]: {error.errors[0][1] if isinstance(error, BadBody) else error}",
                )
            )
    lost = users.delete(call.world, userids) if userids else {}
    return _answered(call, "/v1/user/delete", userids, lost, failed)


_CODES = {users.BUSY: BUSY, users.UNKNOWN: UNKNOWN}


def _answered(
    call: Call,
    path: str,
    userids: Sequence[str],
    lost: Mapping[str, str],
    failed: Sequence[dict[str, str]],
) -> dict[str, Any]:
    """What became of each; in the log of changes, how many it were, or who it was."""
    every = [
        *failed,
        *(_failure({"userid": u}, _CODES.get(why, PARAMETER), why) for u, why in lost.items()),
    ]
    success = [userid for userid in dict.fromkeys(userids) if userid not in lost]
    if call.member is not None and success:
        log_change(
            call,
            "POST",
            path,
            {"userid": success[0]} if len(success) == 1 else {"users": str(len(success))},
        )
    return {"code": 0, "message": "success", "data": {"success": success, "fail": every}}


def _failure(entry: Any, code: int, message: str) -> dict[str, str]:
    userid = entry.get("userid") if isinstance(entry, Mapping) else None
    return {
        "userid": userid[:64] if isinstance(userid, str) else "",
        "errcode": str(code),
        "errmsg": message,
    }
