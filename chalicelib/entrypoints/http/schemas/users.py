"""Users as they are uploaded and changed, each on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.limits import MAX_USERS
from chalicelib.domain.users import ALL, Bindings, Scoped, UserChange
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, Tag, UserId, either, matching

MAX_VALUES = 100  # of one scope


Bind = Annotated[str, matching(r"[A-Za-z0-9_-]+", "all, a channel key or a channel code", 64)]
Phone = Annotated[
    str, matching(r"\+?[0-9]{5,20}", "a phone number: 5 to 20 digits, + before them if need be", 20)
]
Email = Annotated[
    str,
    matching(
        r'[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+',
        "an e-mail address",
        254,
    ),
]
Id = Annotated[str, matching(r"[\x21-\x7e]+", "1 to 256 visible characters", 256)]
LinkedCorpId = Annotated[
    str,
    matching(
        r"([\x21-\x2e\x30-\x7e]+/)?[\x21-\x2e\x30-\x7e]+",
        "CorpId/userid, or userid in the own corporation",
        256,
    ),
]
Ids = Annotated[list[Id], Field(max_length=MAX_VALUES)]
All = Literal["all"]


def _of_all(value: Any) -> Any:
    """UMS's pages show these contacts alone, its console names the scope, of which there is one."""
    return value[ALL] if isinstance(value, Mapping) and list(value) == [ALL] else value


OneOfAll = Annotated[Id, BeforeValidator(_of_all, json_schema_input_type=str | dict[All, str])]
ManyOfAll = Annotated[
    list[LinkedCorpId],
    Field(max_length=MAX_VALUES),
    BeforeValidator(_of_all, json_schema_input_type=list[str] | dict[All, list[str]]),
]


class Contacts(Strict):
    """What `set`, `add`, `del` and, as `set`, the entry itself may hold. UMS writes two of the names in two ways."""

    model_config = ConfigDict(loc_by_alias=True)

    tag: dict[Bind, Annotated[list[Tag], Field(max_length=MAX_VALUES)]] | None = None
    phone: dict[Bind, Phone] | None = None
    email: dict[Bind, Email] | None = None
    app: dict[Bind, Ids] | None = None
    wechatoa: dict[Bind, Id] | None = None
    wechatmp: dict[Bind, Id] | None = None
    alipay_life: dict[Bind, Id] | None = either("alipay_life", "alipaylife")
    dingtalk_cc: OneOfAll | None = either("dingtalk_cc", "dingtalkcc")
    wechatwk: OneOfAll | None = None
    wechatwk_linkedcorp: ManyOfAll | None = None

    def change(self) -> Bindings:
        named = {kind: getattr(self, _FIELDS.get(kind, kind.value)) for kind in ChannelType}
        return Bindings(
            {kind: _scoped(value) for kind, value in named.items() if value is not None},
            _scoped(self.tag or {}),
        )


_FIELDS = {ChannelType.SMS: "phone"}


def _scoped(value: Any) -> Scoped:
    """Each scope's values; what has no scope is bound to `all`."""
    by_bind = value if isinstance(value, Mapping) else {ALL: value}
    return {
        bind: tuple(dict.fromkeys(found)) if isinstance(found, list) else (found,)
        for bind, found in by_bind.items()
    }


class Entry(Contacts):
    userid: UserId
    set: Contacts | None = None
    add: Contacts | None = None
    del_: Contacts | None = Field(default=None, validation_alias="del")

    def user_change(self) -> UserChange:
        nothing = Bindings()
        own = self.change()
        explicit = self.set.change() if self.set else nothing
        merged = Bindings(
            {
                kind: {**own.contacts.get(kind, {}), **explicit.contacts.get(kind, {})}
                for kind in {*own.contacts, *explicit.contacts}
            },
            {**own.tags, **explicit.tags},
        )
        added, removed = (
            self.add.change() if self.add else nothing,
            self.del_.change() if self.del_ else nothing,
        )
        return UserChange(self.userid, merged, added, removed)


class Entries(RootModel[Annotated[list[Entry], Field(min_length=1, max_length=MAX_USERS)] | Entry]):
    """1 to 1000 users, or one alone. One that is wrong is answered among the failed, and keeps no other from being saved."""


class UserIds(RootModel[Annotated[list[UserId], Field(min_length=1, max_length=MAX_USERS)]]):
    """1 to 1000 users to be deleted."""


class Failure(Answer):
    userid: str
    errcode: str
    errmsg: str


class Outcome(Answer):
    success: list[str]
    fail: list[Failure]


class Changed(Answer):
    code: int
    message: str
    data: Outcome
