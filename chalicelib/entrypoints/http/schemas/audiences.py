"""`aud_xxx`, the targets of a message: users by id, tag or segment, or registration ids."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.limits import MAX_USERS
from chalicelib.entrypoints.http.errors import MIXED_TARGETS, PARAMETER, TOO_MANY_USERIDS
from chalicelib.entrypoints.http.schemas.base import (
    Digits,
    Sparse,
    Tag,
    UserId,
    either,
    none_for,
    refusal,
    refusal_by,
)

MAX_TAGS = 20
MAX_IDS = 1000  # of one channel type

_VISIBLE = re.compile(r"[^\s\x00-\x20\x7f]{1,256}")


def _count(userids: Any) -> Any:
    if isinstance(userids, list) and not 1 <= len(userids) <= MAX_USERS:
        raise refusal_by(TOO_MANY_USERIDS, number=len(userids))
    return userids


def _registration_id(value: str) -> str:
    """Return what is visible of an id. Only a phone number may have spaces in it.

    An id that is wrong on its channel becomes a loss of the message.
    """
    shown = contacts.visible(value[: contacts.LONGEST])
    is_id = _VISIBLE.fullmatch(shown) or contacts.canonical(ChannelType.SMS, shown)
    if not is_id or len(shown.encode("utf-8", "replace")) > 256:
        raise refusal(PARAMETER, "1 to 256 bytes without spaces", "须为 1 到 256 字节，不含空格")
    return shown


def _segment(value: Any) -> Any:
    """Read the number, which UMS shows as a text."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        return int(value)
    return value


_Digits = Annotated[str, Field(pattern="^[0-9]{1,18}$")]
Segment = Annotated[
    int,
    Field(ge=0),
    BeforeValidator(_segment, json_schema_input_type=Annotated[int, Field(ge=0)] | _Digits),
]


RegistrationId = Annotated[str, AfterValidator(_registration_id), Digits]


class RegistrationIds(Sparse):
    """Registration ids. `instance` is UMS's reserved field and is ignored."""

    instance: Annotated[str, Field(max_length=64)] | None = None
    data: Annotated[list[RegistrationId], Field(min_length=1)]


def _few(groups: list[RegistrationIds]) -> list[RegistrationIds]:
    if sum(len(group.data) for group in groups) > MAX_IDS:
        raise refusal(PARAMETER, f"at most {MAX_IDS} registration ids", f"最多 {MAX_IDS} 个 id")
    return groups


# Clients with typed fields send an empty list for what is missing.
Groups = Annotated[Annotated[list[RegistrationIds], AfterValidator(_few)] | None, none_for([])]


class Audience(Sparse):
    """The union of users by id, tag and segment, or else registration ids by channel type."""

    model_config = ConfigDict(loc_by_alias=True)

    aud_tag: Annotated[Annotated[list[Tag], Field(max_length=MAX_TAGS)] | None, none_for([])] = None
    aud_userid: Annotated[list[UserId], BeforeValidator(_count)] | None = None
    aud_segment: Annotated[Annotated[list[Segment], Field(max_length=1)] | None, none_for([])] = (
        None
    )
    aud_app: Groups = None
    aud_wechatoa: Groups = None
    aud_wechatmp: Groups = None
    aud_sms: Groups = None
    aud_email: Groups = None
    aud_alipay_life: Groups = either("aud_alipay_life", "aud_alipaylife")
    aud_dingtalk_cc: Groups = either("aud_dingtalk_cc", "aud_dingtalkcc")
    aud_wechatwk: Groups = None
    aud_wechatwk_linkedcorp: Groups = None

    @model_validator(mode="after")
    def _one_kind(self) -> Audience:
        names = ("aud_tag", "aud_userid", "aud_segment")
        users = [name for name in names if getattr(self, name) is not None]
        if not users and not self._groups():
            raise refusal(
                PARAMETER,
                "aud_userid, aud_tag, aud_segment or aud_sms … is required",
                "aud_xxx 缺失",
            )
        if users and self._groups():
            raise refusal_by(MIXED_TARGETS, name=users[0])
        return self

    def _groups(self) -> dict[ChannelType, list[RegistrationIds]]:
        named = {kind: getattr(self, f"aud_{kind}") for kind in ChannelType}
        return {kind: groups for kind, groups in named.items() if groups is not None}

    def targets(self) -> dict[str, Any]:
        return {
            "userids": tuple(dict.fromkeys(self.aud_userid or ())),
            "tags": tuple(dict.fromkeys(self.aud_tag or ())),
            "segment": self.aud_segment[0] if self.aud_segment else None,
            "contacts": {
                kind: contacts.distinct(kind, (i for g in groups for i in g.data))
                for kind, groups in self._groups().items()
            },
        }
