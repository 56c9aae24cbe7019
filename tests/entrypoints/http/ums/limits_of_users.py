"""Limits of users and materials."""

from __future__ import annotations

from typing import Any

from tests.entrypoints.conftest import OPERATOR
from tests.entrypoints.http.ums.limits import Limit, text


def large_user(n: int) -> dict[str, Any]:
    """Build a user of so many bytes, with three for each contact and those of its scope."""
    devices = [f"{m:02}".ljust(256, "x") for m in range(100)]
    people = [f"C/{m:02}".ljust(256, "x") for m in range(26)]
    rest = n - len("app1") - 100 * 259 - len("all") - 26 * 259 - 3
    return {
        "userid": "u",
        "app": {"app1": devices},
        "wechatwk_linkedcorp": [*people, "C/".ljust(rest, "y")],
    }


USERS = [
    Limit("body", 1000, lambda n: [{"userid": f"u{m}"} for m in range(n)], least=1),
    Limit("userid", 64, lambda n: [{"userid": text(n)}], least=1),
    Limit("tag.all[0]", 40, lambda n: [{"userid": "u", "tag": {"all": [text(n)]}}], least=1),
    Limit("tag.all", 100, lambda n: [{"userid": "u", "tag": {"all": [f"t{m}" for m in range(n)]}}]),
    Limit("phone.all", 20, lambda n: [{"userid": "u", "phone": {"all": "1" * n}}], least=5),
    Limit(
        "email.all",
        254,
        lambda n: [{"userid": "u", "email": {"all": "a@" + ".cn".rjust(n - 2, "x")}}],
        least=6,
    ),
    Limit(
        "app.app1", 100, lambda n: [{"userid": "u", "app": {"app1": [f"r{m}" for m in range(n)]}}]
    ),
    Limit("app.app1[0]", 256, lambda n: [{"userid": "u", "app": {"app1": [text(n)]}}], least=1),
    Limit(
        "wechatoa.wechatoa1",
        256,
        lambda n: [{"userid": "u", "set": {"wechatoa": {"wechatoa1": text(n)}}}],
        least=1,
    ),
    Limit("dingtalkcc", 256, lambda n: [{"userid": "u", "set": {"dingtalkcc": text(n)}}], least=1),
    Limit(
        "wechatwk_linkedcorp",
        100,
        lambda n: [{"userid": "u", "set": {"wechatwk_linkedcorp": [f"C/{m}" for m in range(n)]}}],
    ),
    Limit(
        "wechatwk_linkedcorp[0]",
        256,
        lambda n: [{"userid": "u", "wechatwk_linkedcorp": ["/u".rjust(n, "C")]}],
        least=3,
    ),
    Limit("32768 bytes", 32_768, lambda n: [large_user(n)]),
]
OTHERS = [
    Limit(
        "body",
        1000,
        lambda n: [f"u{m}" for m in range(n)],
        least=1,
        path="/v1/user/delete",
        auth=OPERATOR,
        taken=(1019023,),
    ),
    Limit("name", 255, lambda n: {"name": text(n)}, least=1, path="/v1/material/upload"),
    Limit(
        "time_to_live",
        168,
        lambda n: {"name": "a", "time_to_live": n},
        least=1,
        path="/v1/material/upload",
    ),
]
