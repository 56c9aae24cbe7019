"""The developer's page: where the API is, and how to call it."""

from __future__ import annotations

import json

from chalicelib.console.door import Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit


@page("GET", "/developer")
def developer(visit: Visit) -> Reply:
    channel = visit.access_channel
    key = channel["channel_key"] if channel else "CHANNEL_KEY"
    body = {
        "aud_userid": ["zhangsan"],
        "template_id": 1,
        "template_para": {"name": "Li"},
        "app_para": {"platform": "all"},
    }
    example = (
        f"curl -u {key}:MASTER_SECRET {visit.door.public_url}/v1/template/sent \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(body)}'"
    )
    return visit.show("developer/developer.html", example=example)
