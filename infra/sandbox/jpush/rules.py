"""Rules and errors of JPush's pushes.

Sources: "Push API v3", https://docs.jiguang.cn/jpush/server/push/rest_api_v3_push (fields, codes
of "call returns"), and "REST API overview", …/server_overview (429, rate limit headers).
The texts of 1003, 1004 and 1011 are the real server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.sandbox.calllog import Result
from infra.sandbox.vendor import Refusal, compact

MAX_TARGETS = 1000
MAX_BYTES = 4000  # of notification and message together
MAX_TIME_TO_LIVE = 10 * 86_400
PLATFORMS = frozenset({"android", "ios", "quickapp", "hmos", "winphone"})
SILENT = ("android", "ios")  # platforms that accept an empty `alert`, and show nothing
AUDIENCES = frozenset(
    {"tag", "tag_and", "tag_not", "alias", "registration_id", "segment", "abtest", "file"}
)

STATUSES: Mapping[int, int] = {
    1000: 500,
    1001: 405,
    1002: 400,
    1003: 400,
    1004: 401,
    1005: 400,
    1009: 400,
    1011: 400,
    1012: 400,
    2002: 429,
    3001: 401,  # Report API
}


def error(
    code: int,
    message: str,
    *,
    result: Result = Result.REFUSED,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Refusal:
    return Refusal(
        STATUSES[code],
        code,
        {"error": {"code": code, "message": message}, **more},
        result=result,
        headers=headers,
    )


def too_often(seconds: int, quota: int) -> Refusal:
    """Build the refusal of a call above the rate limit.

    `Retry-After` is not documented. The quota has two names: the document's and the real server's.
    """
    headers = {"Retry-After": seconds, "X-Rate-Limit-Reset": seconds, "X-Rate-Limit-Remaining": 0}
    headers |= {"X-Rate-Limit-Quota": quota, "X-Rate-Limit-Limit": quota}
    texts = {name: str(value) for name, value in headers.items()}
    return error(2002, "Rate limit exceeded", result=Result.THROTTLED, headers=texts)


def targets(body: Any) -> list[str]:
    """Return the distinct registration ids of a valid push. Raises Refusal."""
    if not isinstance(body, dict):
        raise error(1003, "Request json is invalid")
    for name in ("platform", "audience"):
        if name not in body:
            raise error(1002, f"The {name} is required")
    if "notification" not in body and "message" not in body:
        raise error(1002, "The notification or message is required")
    _check_platform(body["platform"])
    _check_content(body)
    _check_options(body.get("options", {}))
    if "cid" in body and (not isinstance(body["cid"], str) or not body["cid"]):
        raise error(1003, "Invalid cid")
    return _registration_ids(body["audience"])


def _check_platform(platform: Any) -> None:
    listed = (
        isinstance(platform, list)
        and platform
        and all(isinstance(name, str) and name in PLATFORMS for name in platform)
    )
    if platform != "all" and not listed:
        raise error(1003, "Invalid platform")


def _check_content(body: Mapping[str, Any]) -> None:
    notification, message = body.get("notification", {}), body.get("message", {})
    if not isinstance(notification, dict) or not isinstance(message, dict):
        raise error(1003, "Invalid notification or message")
    if "notification" in body:
        _check_notification(notification)
    if "message" in body and not (
        isinstance(message.get("msg_content"), str) and message["msg_content"]
    ):
        raise error(1002, "The msg_content of message is required")
    if len(compact([part for part in (notification, message) if part]).encode()) > MAX_BYTES:
        raise error(1005, "The length of notification and message is over the limit")


def _check_notification(notification: Mapping[str, Any]) -> None:
    alert = notification.get("alert")
    parts = {name: notification[name] for name in PLATFORMS if name in notification}
    if not parts and alert is None:
        raise error(1002, "The alert of notification is required")
    if alert is not None and not isinstance(alert, str):
        raise error(1003, "Invalid alert")
    for name, part in parts.items():
        if not isinstance(part, dict) or not isinstance(part.get("extras", {}), dict):
            raise error(1003, f"Invalid {name} notification")
        may_be_empty = part.get("alert") == "" and name in SILENT
        if alert is None and not part.get("alert") and not may_be_empty:
            raise error(1002, f"The alert of {name} is required")


def _check_options(options: Any) -> None:
    if not isinstance(options, dict):
        raise error(1003, "Invalid options")
    sendno, life = options.get("sendno", 1), options.get("time_to_live", 0)
    if not _is_int(sendno) or sendno == 0 or abs(sendno) > 2**31 - 1:
        raise error(1003, "Invalid sendno")
    if not _is_int(life) or not 0 <= life <= MAX_TIME_TO_LIVE:
        raise error(1003, "Invalid time_to_live")
    if not isinstance(options.get("apns_production", True), bool):
        raise error(1003, "Invalid apns_production")


def _registration_ids(audience: Any) -> list[str]:
    """Return the registration ids. For the sandbox, any other audience is empty."""
    if audience != "all" and (not isinstance(audience, dict) or not audience):
        raise error(1003, "Invalid audience")
    if audience == "all" or "registration_id" not in audience:
        if audience != "all" and not set(audience) <= AUDIENCES:
            raise error(1009, "The audience has an unsupported key")
        raise no_target(0)
    ids = audience["registration_id"]
    if not isinstance(ids, list) or not ids:
        raise error(1003, "Invalid registration_id value")
    if not all(isinstance(registration_id, str) and registration_id for registration_id in ids):
        raise error(1003, "Invalid registration_id value")
    if len(ids) > MAX_TARGETS:
        raise error(1012, f"The registration_id count exceeds the limit {MAX_TARGETS}")
    return list(dict.fromkeys(ids))


def no_target(msg_id: int) -> Refusal:
    return error(1011, "cannot find user by this audience", msg_id=msg_id)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
