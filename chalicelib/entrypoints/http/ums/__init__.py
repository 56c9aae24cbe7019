"""Jiguang UMS v1: sends, users, messages, attachments."""

from chalicelib.entrypoints.http.ums import attachments, messages, send, users

ROUTES = (send, users, messages, attachments)
