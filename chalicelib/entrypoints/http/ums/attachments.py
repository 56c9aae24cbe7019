"""Attachments of e-mails, and access tokens of the providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import FORM_TOO_LARGE, PARAMETER, Refused
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route
from chalicelib.flow import provider_query
from chalicelib.flow.content import attachments

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.multipart import Part
    from chalicelib.entrypoints.http.schemas.attachments import (
        Material,
        MaterialUpload,
        TokenQuery,
    )

bp = Blueprint(__name__)

# Bytes of the whole form. API Gateway hands a form to Lambda in base64, of which Lambda takes 6 MB.
MAX_FORM = 4_400_000

TYPES = {
    "wechatoa": ChannelType.WECHATOA,
    "wechatmp": ChannelType.WECHATMP,
    "dingtalkcc": ChannelType.DINGTALK_CC,
    "dingtalk_cc": ChannelType.DINGTALK_CC,
    "wechatwk": ChannelType.WECHATWK,
}


@route(
    bp,
    "/v1/material",
    "POST",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    limit=MAX_FORM,
    request="attachments.Material",
    form=True,
    response="attachments.Kept",
    tag="sending",
    errors=(FORM_TOO_LARGE.code,),
)
def keep(context: RequestContext) -> dict[str, Any]:
    """Upload an attachment with a form.

    Its fields are `type`=`attachment`, one `file`, and `time_to_live` in hours.
    """
    parts = _form(context)
    files = [part for part in parts if part.name == "file"]
    if len(files) != 1 or not files[0].body:
        raise Refused(
            PARAMETER, "one is required, and must not be empty", "须有且仅有一个", field="file"
        )
    others = [part for part in parts if part.name != "file"]
    fields = {part.name: part.body.decode("utf-8", "replace") for part in others}
    if len(fields) < len(others):
        raise Refused(PARAMETER, "has a field twice", "字段重复", field="body")
    checked: Material = context.validate(fields, "attachments.Material")
    name = attachments.file_name(files[0].filename or "")
    url = attachments.keep(
        context.world, context.sender.key, name, bytes(files[0].body), checked.time_to_live
    )
    return {"code": 0, "url": url}


def _form(context: RequestContext) -> list[Part]:
    from chalicelib.entrypoints.http import multipart

    try:
        raw = context.raw
    except Refused as error:
        if error.status != 413:
            raise
        raise FORM_TOO_LARGE.refuse("body", limit=MAX_FORM) from None
    return multipart.parts(context.headers.get("content-type", ""), raw)


@route(
    bp,
    "/v1/material/upload",
    "POST",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    request="attachments.MaterialUpload",
    response="attachments.Awaited",
    tag="sending",
)
def upload(context: RequestContext) -> dict[str, Any]:
    """Get the address of a larger attachment, and the form to upload it with."""
    body: MaterialUpload = context.body()
    url, target, fields = attachments.upload(
        context.world, context.sender.key, attachments.file_name(body.name), body.time_to_live
    )
    form = {
        "url": target,
        "fields": fields,
        "max_bytes": attachments.MAX_TOTAL,
        "expires_in": attachments.UPLOAD_SECONDS,
    }
    return {"code": 0, "url": url, "upload": form}


@route(
    bp,
    "/v1/token",
    "GET",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    query="attachments.TokenQuery",
    response="attachments.AccessToken",
    tag="sending",
    errors=(1015008, 1015009, 1015012, 1019013, 1019052),
)
def token(context: RequestContext) -> dict[str, Any]:
    """Get the provider's own access token of a delivery channel."""
    query: TokenQuery = context.query()
    token = provider_query.access_token(context.world, context.sender, TYPES[query.type])
    seconds = max(0, (token.expires - context.world.clock.now()) // 1000)
    # UMS documents `message` and does not show it. It writes the seconds as a text in both places.
    return {"code": 0, "message": "success", "token": token.value, "expires_in": str(seconds)}
