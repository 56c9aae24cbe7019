"""Jiguang UMS v1: sends, users, messages, attachments."""

from chalicelib.entrypoints.http.ums import attachments, messages, send, simulation, users

ROUTES = (send, simulation, users, messages, attachments)
