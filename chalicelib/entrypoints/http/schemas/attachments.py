"""Attachments, and access tokens of providers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Query, Strict
from chalicelib.flow.content.attachments import DEFAULT_HOURS, HOURS

Hours = Annotated[int, Field(ge=HOURS[0], le=HOURS[-1])]


class Material(Strict):
    """The form fields of an attachment, beside `file`."""

    type: Literal["attachment"] = "attachment"
    time_to_live: Annotated[Hours, Field(strict=False)] = DEFAULT_HOURS


class MaterialUpload(Strict):
    """An attachment that will be uploaded later."""

    type: Literal["attachment"] = "attachment"
    name: Annotated[str, Field(min_length=1, max_length=255)]
    time_to_live: Hours = DEFAULT_HOURS


class Kept(Answer):
    """A stored attachment. `url` is for messages only: a GET does not return the file."""

    code: int
    url: str


class Form(Answer):
    """The form of an upload: its address, and the fields before `file`."""

    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_in: int


class Awaited(Kept):
    upload: Form


class TokenQuery(Query):
    type: Literal["wechatoa", "wechatmp", "dingtalkcc", "dingtalk_cc", "wechatwk"]


class AccessToken(Answer):
    """An access token. `expires_in` is a text in UMS, too."""

    code: int
    message: str
    token: str
    expires_in: str
