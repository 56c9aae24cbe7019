"""Limits of Operation Growth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.entrypoints.conftest import KEY
from tests.entrypoints.http.ums.limits import Limit, text


def growth(
    path: str,
    place: str,
    most: int | None,
    body: Callable[[int], Any],
    least: int | None = None,
    **more: Any,
) -> Limit:
    method = "POST" if path.startswith("events") else "PUT"
    return Limit(
        place,
        most,
        body,
        least,
        **{"code": 40002, "path": f"/smartop/api/v1/{path}", "method": method, **more},
    )


def batch(number: int = 2, **labels: Any) -> list[dict[str, Any]]:
    return [
        {
            "cuid": 5,
            "channels": [{"id": number, "channelValues": labels or {"默认联系": "15088888888"}}],
        }
    ]


def attribute(name: str = "a", value: Any = 1) -> dict[str, Any]:
    return {"cuid": 5, "data": {name: value}}


def events(**fields: Any) -> dict[str, Any]:
    return {"appKey": KEY, "data": [{"cuid": 5, "eventName": "e", "itime": 1, **fields}]}


BATCH, ATTRIBUTE, EVENTS, LONG = "user/channel/batch", "user/attribute", "events/report", 2**63 - 1
GROWTH = [
    growth(BATCH, "CUID", 100, lambda n: batch() * n, least=1, code=40011),
    growth(
        BATCH,
        "[0].channels",
        50,
        lambda n: [{**batch()[0], "channels": batch()[0]["channels"] * n}],
        least=1,
    ),
    growth(
        BATCH,
        "[0].channels[0].channelValues",
        50,
        lambda n: [
            {"cuid": 5, "channels": [{"id": 2, "channelValues": {f"l{m}": "x" for m in range(n)}}]}
        ],
        least=1,
        taken=(4000, 4107),
    ),
    growth(BATCH, "channelValues.默认联系", 1024, lambda n: batch(默认联系=text(n)), taken=(4107,)),
    growth(
        BATCH,
        "短信通道值不合法",
        11,
        lambda n: batch(默认联系="1".ljust(n, "8")),
        least=11,
        code=4107,
    ),
    growth(BATCH, "64", LONG, lambda n: [{**batch()[0], "cuid": n}]),
    growth(BATCH, "[0].cuid", None, lambda n: [{**batch()[0], "cuid": n}], least=1),
    growth(BATCH, "64", LONG, lambda n: batch(n), taken=(4107,)),
    growth(BATCH, "[0].channels[0].id", None, lambda n: batch(n), least=1),
    growth(
        ATTRIBUTE,
        "data",
        100,
        lambda n: {"cuid": 5, "data": {f"a{m}": 1 for m in range(n)}},
        least=1,
    ),
    growth(ATTRIBUTE, "data.x", 64, lambda n: attribute(text(n))),
    growth(ATTRIBUTE, "data.a", 1024, lambda n: attribute(value=text(n))),
    growth(ATTRIBUTE, "data.a", 100, lambda n: attribute(value=[1] * n)),
    growth(EVENTS, "data", 100, lambda n: {**events(), "data": events()["data"] * n}, least=1),
    growth(EVENTS, "data[0].eventName", 64, lambda n: events(eventName=text(n)), least=1),
    growth(EVENTS, "data[0].randomId", 64, lambda n: events(randomId=text(n))),
    growth(EVENTS, "data[0].itime", 10**14 - 1, lambda n: events(itime=n), least=1),
    growth(
        EVENTS,
        "data[0].properties",
        100,
        lambda n: events(properties={f"p{m}": 1 for m in range(n)}),
    ),
]
