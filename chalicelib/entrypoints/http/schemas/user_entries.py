"""Users as entries of a change: in UMS's format, and as rows of an import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.limits import MAX_USERS
from chalicelib.domain.users import ALL, Bindings, Scoped, UserChange
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Digits,
    Strict,
    Tag,
    UserId,
    contact,
    either,
    matching,
)
from chalicelib.entrypoints.http.schemas.operation_growth import MAX_ATTRIBUTES, Values

MAX_VALUES = 100  # of one scope


Bind = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_-]+",
        "all, a channel key or a channel code",
        " all、渠道的 key 或通道代码",
        64,
    ),
]
Phone = Annotated[str, contact(ChannelType.SMS), Digits]
Email = Annotated[str, contact(ChannelType.EMAIL)]
Id = Annotated[str, contact(ChannelType.APP), Digits]  # and of every vendor with opaque ids
LinkedCorpId = Annotated[str, contact(ChannelType.WECHATWK_LINKEDCORP)]
Ids = Annotated[list[Id], Field(max_length=MAX_VALUES)]
All = Literal["all"]


def _of_all(value: Any) -> Any:
    """Unwrap the only scope. UMS's pages show these contacts without it, its console with it."""
    return value[ALL] if isinstance(value, Mapping) and list(value) == [ALL] else value


OneOfAll = Annotated[Id, BeforeValidator(_of_all, json_schema_input_type=str | dict[All, str])]
ManyOfAll = Annotated[
    list[LinkedCorpId],
    Field(max_length=MAX_VALUES),
    BeforeValidator(_of_all, json_schema_input_type=list[str] | dict[All, list[str]]),
]


class Contacts(Strict):
    """The contacts and tags of `set`, `add` and `del`. The entry itself may hold them as a `set`.

    UMS spells two of the names in two ways.
    """

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
        contacts = {}
        for channel_type in ChannelType:
            value = getattr(self, _FIELDS.get(channel_type, channel_type.value))
            if value is not None:
                contacts[channel_type] = _scoped(value)
        return Bindings(contacts, _scoped(self.tag or {}))


_FIELDS = {ChannelType.SMS: "phone"}


def _scoped(value: Any) -> Scoped:
    """Return the values by scope. A value without a scope is bound to `all`."""
    by_scope = value if isinstance(value, Mapping) else {ALL: value}
    return {
        scope: tuple(dict.fromkeys(values)) if isinstance(values, list) else (values,)
        for scope, values in by_scope.items()
    }


class Entry(Contacts):
    userid: UserId
    set: Contacts | None = None
    add: Contacts | None = None
    del_: Contacts | None = Field(default=None, validation_alias="del")
    attributes: Annotated[Values, Field(max_length=MAX_ATTRIBUTES)] | None = None

    def user_change(self) -> UserChange:
        """Return the change. Values of `set` come before those of the entry itself."""
        nothing = Bindings()
        direct = self.change()
        explicit = self.set.change() if self.set else nothing
        contacts = {
            channel_type: {
                **direct.contacts.get(channel_type, {}),
                **explicit.contacts.get(channel_type, {}),
            }
            for channel_type in {*direct.contacts, *explicit.contacts}
        }
        return UserChange(
            self.userid,
            Bindings(contacts, {**direct.tags, **explicit.tags}),
            self.add.change() if self.add else nothing,
            self.del_.change() if self.del_ else nothing,
            attributes=self.attributes or {},
        )


class Entries(RootModel[Annotated[list[Entry], Field(min_length=1, max_length=MAX_USERS)] | Entry]):
    """A list of 1 to 1000 users, or a single user.

    A wrong entry is answered in `fail` and does not keep the others from being saved.
    """


class UserIds(RootModel[Annotated[list[UserId], Field(min_length=1, max_length=MAX_USERS)]]):
    """The ids of 1 to 1000 users to delete."""


class Failure(Answer):
    userid: str
    errcode: str
    errmsg: str


class ChangeOutcome(Answer):
    success: list[str]
    fail: list[Failure]


class Changed(Answer):
    code: int
    message: str
    data: ChangeOutcome
