"""The global access key: for what it is, and how to do without it."""

from __future__ import annotations

from chalicelib.console.door import Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit


@page("GET", "/global-key")
def global_key(visit: Visit) -> Reply:
    address = f"{visit.door.public_url}/v1/user/opt"
    example = (
        f"curl -u ACCESS_KEY:ACCESS_SECRET {address} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'[{"userid": "zhangsan", "set": {"phone": {"all": "13800138000"}}}]\''
    )
    is_used = not visit.who.name  # only the deployment's keys have no name
    return visit.show("global_key/global_key.html", example=example, is_used=is_used)
