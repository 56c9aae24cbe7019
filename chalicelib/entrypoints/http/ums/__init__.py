"""Jiguang UMS v1: sends, users, messages, attachments."""

from chalicelib.entrypoints.http.ums import attachments, consents, messages, send, users

ROUTES = (send, users, consents, messages, attachments)
