"""Jiguang UMS v1: sends, users, messages, attachments."""

from chalicelib.entrypoints.http.ums import (
    attachments,
    consents,
    messages,
    search,
    send,
    simulation,
    users,
)

ROUTES = (send, simulation, users, consents, messages, search, attachments)
