"""Attachments, and what is answered about them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Query, Strict
from chalicelib.flow.content.attachments import DEFAULT_HOURS, HOURS

Hours = Annotated[int, Field(ge=HOURS[0], le=HOURS[-1])]


class Material(Strict):
    """The fields of the form beside `file`."""

    type: Literal["attachment"] = "attachment"
    time_to_live: Annotated[Hours, Field(strict=False)] = DEFAULT_HOURS


class MaterialUpload(Strict):
    """What will be uploaded."""

    type: Literal["attachment"] = "attachment"
    name: Annotated[str, Field(min_length=1, max_length=255)]
    time_to_live: Hours = DEFAULT_HOURS


class Kept(Answer):
    """`url` is for messages: nothing answers there."""

    code: int
    url: str


class Form(Answer):
    """Where to post, and the fields that stand before `file` in the form."""

    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_in: int


class Awaited(Kept):
    upload: Form


class TokenQuery(Query):
    type: Literal["wechatoa", "wechatmp", "dingtalkcc", "dingtalk_cc", "wechatwk"]


class AccessToken(Answer):
    """`expires_in`: seconds, as a text, which is how UMS has it."""

    code: int
    message: str
    token: str
    expires_in: str
