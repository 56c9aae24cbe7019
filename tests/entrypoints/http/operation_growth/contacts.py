"""Requests that set contacts under labels."""

from __future__ import annotations

from typing import Any

from tests.entrypoints.conftest import SENDER, Api, Reply

BATCH = "/smartop/api/v1/user/channel/batch"
APP_ID, SMS_ID = 300, 301
REGISTRATION = "191e35f7e155cce08ba"


def put(api: Api, *items: Any, auth: str = SENDER, **headers: str) -> Reply:
    return api(
        "PUT",
        BATCH,
        list(items),
        auth=auth,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def item(cuid: Any, channel: Any, **labels: Any) -> dict[str, Any]:
    return {"cuid": cuid, "channels": [{"id": channel, "channelValues": labels}]}


def labels_of(api: Api, cuid: int = 103629) -> Any:
    return api.fake.users.stored[str(cuid)].labels
