"""POST /v1/user/opt: add and change users, each on its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from chalice.app import Blueprint
from pydantic import AfterValidator, AliasChoices, ConfigDict, Field

from chalicelib.domain.channels import ChannelType
from chalicelib.domain.errors import Invalid, Refused
from chalicelib.domain.users import ALL, Change, Scoped, UserChange
from chalicelib.entrypoints.bodies import PARAMETER, Strict, refusal, validate
from chalicelib.entrypoints.http_send import UserId
from chalicelib.entrypoints.http_support import Auth, Call, route, ums_error
from chalicelib.flow import contacts

bp = Blueprint(__name__)

MAX_USERS = 1000
MAX_VALUES = 100  # of one scope
SCOPE_REFUSED, BUSY = 1019021, 1019022  # our own; UMS does not publish the codes of its user API


def _matching(pattern: str, words: str, most: int) -> AfterValidator:
    """Trimmed, and in one piece as the pattern says."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        trimmed = value.strip()
        if not compiled.fullmatch(trimmed) or len(trimmed.encode()) > most:
            raise refusal(PARAMETER, f"must be {words}")
        return trimmed

    return AfterValidator(check)


Bind = Annotated[str, _matching(r"[A-Za-z0-9_-]+", "all, a channel key or a channel code", 64)]
Phone = Annotated[str, _matching(r"\+?[0-9]{5,20}", "a phone number: 5 to 20 digits, + before them if need be", 20)]
Email = Annotated[str, _matching(r'[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+', "an e-mail address", 254)]
Id = Annotated[str, _matching(r"[\x21-\x7e]+", "1 to 256 visible characters", 256)]
Tag = Annotated[str, _matching(r"[A-Za-z0-9_@!#$&*+=.|¥㐀-䶿一-鿿-]+", "letters, Chinese, digits or _@!#$&*+=.|¥-, 40 bytes at most", 40)]
LinkedCorpId = Annotated[str, _matching(r"[\x21-\x2e\x30-\x7e]+/[\x21-\x7e]+", "CorpId/userid", 256)]
Ids = Annotated[list[Id], Field(max_length=MAX_VALUES)]


def _both(name: str, other: str) -> Any:
    return Field(default=None, validation_alias=AliasChoices(name, other))


class Contacts(Strict):
    """What `set`, `add`, `del` and, as `set`, the entry itself may hold. UMS writes two of the names in two ways."""

    model_config = ConfigDict(loc_by_alias=True)

    tag: dict[Bind, Annotated[list[Tag], Field(max_length=MAX_VALUES)]] | None = None
    phone: dict[Bind, Phone] | None = None
    email: dict[Bind, Email] | None = None
    app: dict[Bind, Ids] | None = None
    wechatoa: dict[Bind, Id] | None = None
    wechatmp: dict[Bind, Id] | None = None
    alipay_life: dict[Bind, Id] | None = _both("alipay_life", "alipaylife")
    dingtalk_cc: Id | None = _both("dingtalk_cc", "dingtalkcc")
    wechatwk: Id | None = None
    wechatwk_linkedcorp: Annotated[list[LinkedCorpId], Field(max_length=MAX_VALUES)] | None = None

    def change(self) -> Change:
        named = {kind: getattr(self, _FIELDS.get(kind, kind.value)) for kind in ChannelType}
        return Change({kind: _scoped(value) for kind, value in named.items() if value is not None}, _scoped(self.tag or {}))


_FIELDS = {ChannelType.SMS: "phone"}


def _scoped(value: Any) -> Scoped:
    """Each scope's values; what has no scope is bound to `all`."""
    by_bind = value if isinstance(value, Mapping) else {ALL: value}
    return {bind: tuple(dict.fromkeys(found)) if isinstance(found, list) else (found,) for bind, found in by_bind.items()}


class Entry(Contacts):
    userid: UserId
    set: Contacts | None = None
    add: Contacts | None = None
    del_: Contacts | None = Field(default=None, validation_alias="del")

    def user_change(self) -> UserChange:
        nothing = Change()
        own = self.change()
        explicit = self.set.change() if self.set else nothing
        merged = Change(
            {kind: {**own.contacts.get(kind, {}), **explicit.contacts.get(kind, {})} for kind in {*own.contacts, *explicit.contacts}},
            {**own.tags, **explicit.tags},
        )
        added, removed = self.add.change() if self.add else nothing, self.del_.change() if self.del_ else nothing
        return UserChange(self.userid, merged, added, removed)


@route(bp, "/v1/user/opt", "POST", auth=Auth.EITHER, shape=ums_error)
def change_users(call: Call) -> dict[str, Any]:
    entries = call.json()
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_USERS:
        raise Refused(PARAMETER, f"body: must be a list of 1 to {MAX_USERS} users", field="body")
    changes: list[UserChange] = []
    failed: list[dict[str, str]] = []
    for n, entry in enumerate(entries):
        try:
            one = validate(Entry, entry).user_change()
            contacts.check_scopes(call.world, call.channel, one)
            changes.append(contacts.fold_singles(one))
        except Refused as error:
            failed.append(_failure(entry, error.code, f"[{n}].{error.message}"))
        except Invalid as error:
            failed.append(_failure(entry, SCOPE_REFUSED, f"[{n}].{error.field}: {error.reason}"))
    lost = contacts.change(call.world, changes) if changes else {}
    failed += [_failure({"userid": u}, BUSY if why == contacts.BUSY else PARAMETER, why) for u, why in lost.items()]
    success = [userid for userid in dict.fromkeys(c.userid for c in changes) if userid not in lost]
    return {"code": 0, "message": "success", "data": {"success": success, "fail": failed}}


def _failure(entry: Any, code: int, message: str) -> dict[str, str]:
    userid = entry.get("userid") if isinstance(entry, Mapping) else None
    return {"userid": userid[:64] if isinstance(userid, str) else "", "errcode": str(code), "errmsg": message}
