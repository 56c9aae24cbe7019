"""Routes that people and providers call without a key: short links and webhooks."""

from chalicelib.entrypoints.http.public import links, preferences, receipts

ROUTES = (receipts, links, preferences)
