"""Attachments for mails, and the providers' own access tokens."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.route import Auth, Call, route, ums_error
from chalicelib.flow import provider_query
from chalicelib.flow.content import attachments

bp = Blueprint(__name__)

# Bytes of the whole form. API Gateway hands a form to Lambda in base64, and Lambda takes 6 MB of it.
MAX_FORM = 4_400_000
FORM_TOO_LARGE = 1019051

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
    shape=ums_error,
    limit=MAX_FORM,
    takes="attachments.Material",
    form=True,
    gives="attachments.Kept",
    tag="sending",
    errors=(FORM_TOO_LARGE,),
)
def keep(call: Call) -> dict[str, Any]:
    """Upload an attachment: a form with `type`=`attachment`, one `file`, and `time_to_live` in hours."""
    given = _form(call)
    files = [part for part in given if part.name == "file"]
    if len(files) != 1 or not files[0].body:
        raise Refused(PARAMETER, "file: one is required, and not empty", field="file")
    names = [part.name for part in given if part.name != "file"]
    if len(set(names)) < len(names):
        raise Refused(PARAMETER, "body: has a field twice", field="body")
    fields = {
        part.name: part.body.decode("utf-8", "replace") for part in given if part.name != "file"
    }
    checked = call.validated(fields, "attachments.Material")
    name = attachments.file_name(files[0].filename or "")
    url = attachments.keep(
        call.world, call.sender.key, name, bytes(files[0].body), checked.time_to_live
    )
    return {"code": 0, "url": url}


def _form(call: Call) -> list[Any]:
    from chalicelib.entrypoints.http import multipart

    try:
        raw = call.raw
    except Refused as error:
        if error.status != 413:
            raise
        reason = f"body: more than {MAX_FORM} bytes; upload a larger file as POST /v1/material/upload says"
        raise Refused(FORM_TOO_LARGE, reason, field="body", status=413) from None
    return multipart.parts(call.headers.get("content-type", ""), raw)


@route(
    bp,
    "/v1/material/upload",
    "POST",
    auth=Auth.CHANNEL,
    shape=ums_error,
    takes="attachments.MaterialUpload",
    gives="attachments.Awaited",
    tag="sending",
)
def upload(call: Call) -> dict[str, Any]:
    """The address of a larger attachment, and the form with which it is uploaded."""
    body = call.body()
    url, target, fields = attachments.upload(
        call.world, call.sender.key, attachments.file_name(body.name), body.time_to_live
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
    shape=ums_error,
    query="attachments.TokenQuery",
    gives="attachments.AccessToken",
    tag="sending",
    errors=(1015008, 1015009, 1015012, 1019013, 1019052),
)
def token(call: Call) -> dict[str, Any]:
    """The provider's own access token of a delivery channel."""
    found = provider_query.access_token(call.world, call.sender, TYPES[call.asked().type])
    # UMS documents `message` and does not show it; the seconds are a text in both.
    seconds = max(0, (found.expires - call.world.clock.now()) // 1000)
    return {"code": 0, "message": "success", "token": found.value, "expires_in": str(seconds)}
