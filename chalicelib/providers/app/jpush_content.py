"""Content of a push: JPush's own object, or a short `{"title", "alert", "extras"}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain import pushes
from chalicelib.domain.errors import Invalid, Rejected
from chalicelib.domain.provider_io import OutgoingCall
from chalicelib.providers.base import check_names

# JPush REST API v3, Push: https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push
PLATFORMS = ("android", "ios", "quickapp", "hmos")
UNKNOWN_PLATFORM = "unknown_platform"  # the code of a push that none of them can get
# An empty `alert` of their own shows nothing: a badge, or a call to the app in the background.
SILENT = ("android", "ios")
# A push has at least one of these.
_FULL = ("notification", "message", "live_activity")
_SHORT = ("title", "alert", "extras")
# Fields that we set, or that are not part of UMS (`callback`).
_OURS = ("platform", "audience", "cid", "callback")

# Fields that show nothing by themselves.
_BESIDE = frozenset({"options", "sms_message"})

# An app finds our message id under this name in the extras of a notification or message.
EXTRA = "ums_msgid"


def check(content: Mapping[str, Any]) -> None:
    """Raise Invalid for a bad content.

    We set `platform`, `audience` and `cid`. UMS has neither `callback` nor VoIP. Other fields that
    JPush has or will have pass unchanged, such as `sms_message` or fields of a notification.
    """
    if not any(name in content for name in _FULL):
        check_names(content, _SHORT, "")
        _text(content, "alert", "alert")
        _optional_text(content, "title", "title")
        _object(content, "extras", "extras")
        return
    for name in _OURS:
        if name in content:
            raise Invalid(name, "is not part of a message's content")
    if "notification" in content:
        _check_notification(_object(content, "notification", "notification"))
    if "message" in content:
        _check_message(_object(content, "message", "message"))
    if "live_activity" in content and not _object(content, "live_activity", "live_activity"):
        raise Invalid("live_activity", "must not be empty")
    _object(content, "options", "options")


def _check_notification(notification: Mapping[str, Any]) -> None:
    if "voip" in notification:
        raise Invalid("notification.voip", "cannot be sent through UMS")
    if not notification:
        raise Invalid("notification", "must not be empty")
    if "alert" in notification:
        _text(notification, "alert", "notification.alert")
    for platform in PLATFORMS:
        if platform in notification:
            part = _object(notification, platform, f"notification.{platform}")
            _object(part, "extras", f"notification.{platform}.extras")
            alert = part.get("alert", notification.get("alert"))
            is_silent = alert == "" and platform in SILENT
            if not is_silent and (not alert or not isinstance(alert, (str, Mapping))):
                field = f"notification.{platform}.alert"
                raise Invalid(field, "is required, here or as notification.alert")


def _check_message(message: Mapping[str, Any]) -> None:
    _text(message, "msg_content", "message.msg_content")
    _object(message, "extras", "message.extras")


def _text(raw: Mapping[str, Any], key: str, name: str) -> None:
    if not isinstance(raw.get(key), str) or not raw[key]:
        raise Invalid(name, "is required and must be a text")


def _optional_text(raw: Mapping[str, Any], key: str, name: str) -> None:
    if raw.get(key) is not None and not isinstance(raw[key], str):
        raise Invalid(name, "must be a text")


def _object(raw: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, Mapping):
        raise Invalid(name, "must be an object")
    return value


def push(call: OutgoingCall) -> dict[str, Any]:
    """Return the body of POST /v3/push.

    `call.options` is the sender's app_para: platform, time_to_live, apns_production, sendno.
    Raise Rejected for a push to platforms that JPush does not know, and to no other.
    """
    body = payload(call.recipients[0].content, call.msgid)
    platform = _platform(call.options.get("platform"))
    if not platform or body.keys() <= _BESIDE:
        raise Rejected(UNKNOWN_PLATFORM)
    options = {**body.get("options", {})}
    for name in ("time_to_live", "apns_production"):
        if call.options.get(name) is not None:
            options[name] = call.options[name]
    sendno = str(call.options.get("sendno", ""))
    if sendno.isdecimal() and 0 < int(sendno) < 2**31:  # JPush's sendno is an int, UMS's any text
        options["sendno"] = int(sendno)
    body |= {
        "platform": platform,
        "audience": {"registration_id": [r.contact for r in call.recipients]},
    }
    return (
        body
        | ({"options": options} if options else {})
        | ({"cid": call.token} if call.token else {})
    )


def _platform(value: Any) -> str | list[str]:
    """Return JPush's platforms. JPush refuses a whole call that names another one, such as `web`.

    Empty: all that were named are unknown to JPush.
    """
    names = value.split(",") if isinstance(value, str) else value or []
    stripped = [name.strip() for name in names if name.strip()]
    if not stripped or "all" in stripped:
        return "all"
    return [name for name in dict.fromkeys(stripped) if name in PLATFORMS]


def payload(content: Mapping[str, Any], msgid: str) -> dict[str, Any]:
    """Return `notification`, `message` and `options` of a push.

    Our id is in the extras of every part that can have extras. Parts for platforms of UMS that
    JPush does not know are left out.
    """
    full = _expand(content) if "alert" in content else dict(content)
    if "notification" in full:
        unknown = frozenset(pushes.PLATFORMS) - frozenset(PLATFORMS)
        parts = full["notification"].items()
        notification = {name: part for name, part in parts if name not in unknown}
        for platform in PLATFORMS:
            if platform in notification:
                notification[platform] = _marked(notification[platform], msgid)
        full["notification"] = notification
        if not notification:
            del full["notification"]
    if "message" in full:
        full["message"] = _marked(full["message"], msgid)
    return full


def _expand(content: Mapping[str, Any]) -> dict[str, Any]:
    """Expand a short content (`alert`, `title`, `extras`) to a notification.

    HarmonyOS and quick apps get the common `alert`. An object of their own would require more
    fields than a short content has.
    """
    alert, title, extras = content["alert"], content.get("title"), dict(content.get("extras") or {})
    android = {"alert": alert, "extras": extras} | ({"title": title} if title else {})
    ios = {"alert": {"title": title, "body": alert} if title else alert, "extras": extras}
    return {"notification": {"alert": alert, "android": android, "ios": ios}}


def _marked(part: Mapping[str, Any], msgid: str) -> dict[str, Any]:
    return {**part, "extras": {EXTRA: msgid, **(part.get("extras") or {})}}
