"""Requests a second that API Gateway lets through, for all routes and for those of outsiders."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.entrypoints.http.payload import RECEIPTS
from infra.template.stage import Stage

ALL = ({"Ref": "ApiRate"}, 1000)  # rate and burst

# Paths that anybody may call. Each has a throttle of its own, so that they cannot use up the API.
# The documents have hundreds of kilobytes: at 300 requests a second they would cost $80 an hour.
LINKS = ("/l/", "/u/", "/o/")
DOCUMENTS = ("/docs", "/openapi.json")
OUTSIDERS = (
    (RECEIPTS, {"Ref": "ReceiptRate"}, 600),
    (LINKS, {"Ref": "LinkRate"}, 2000),
    (DOCUMENTS, 5, 10),
)


def outsiders(stage: Stage) -> Iterator[tuple[str, str, object, int]]:
    """Yield path, method, rate and burst of each route that anybody may call."""
    for path, method in stage.routes:
        for prefixes, rate, burst in OUTSIDERS:
            if path.startswith(prefixes):
                yield path, method, rate, burst
