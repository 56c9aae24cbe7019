"""What the documentation shows: tags, parameters of paths, and examples that a test sends and compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TAGS: Mapping[str, str] = {
    "sending": "Send and withdraw messages; attachments; providers' own access tokens.",
    "users": "People, their contacts and tags.",
    "messages": "What became of a message.",
    "receipts": "What providers report, and short links.",
    "access-channels": "Who may send: business lines, each with a key of its own.",
    "channels": "Delivery channels: accounts of providers, on which messages go out.",
    "checks": "What providers answered that were asked about a delivery channel.",
    "templates": "Contents with variables, one per channel type, in versions.",
    "strategies": "Which channels after which, and on what condition.",
    "lists": "Black- and whitelists.",
    "segments": "Groups of users.",
    "tags": "Tags that users may carry.",
    "imports": "Users, tags and members from files.",
    "Operation Growth": "The interface of Operation Growth.",
    "members": "People and programs that configure, each with a role.",
    "audit": "Who changed what.",
    "documentation": "This.",
}

IN_PATHS: Mapping[str, tuple[str, str]] = {
    "type": ("A channel type.", "sms"),
    "key": ("A channel key.", "7d431e42dfa6a6d693ac2d04"),
    "code": ("The code of a delivery channel.", "app1"),
    "token": ("The token in the address that was handed out.", "Zx3vq8JkPpE5"),
    "msgid": ("The id of a message.", "06hhgn2g006tpfbq"),
    "target": (
        "A target's id: a user id, or what a search by registration id has found.",
        "zhangsan",
    ),
    "template_id": ("The id of a template.", "1"),
    "rule_id": ("The id of a strategy.", "1"),
    "version": ("The number of a version.", "1"),
    "label": ("The id of a contact label.", "1"),
    "id": ("The id.", "1"),
    "check_id": ("The id of a check.", "5e987ac6d2e04d95a9d8f0d15e987ac6"),
    "userid": ("A user's id.", "zhangsan"),
    "scope": ("`all` or a channel key.", "all"),
    "tag": ("A tag.", "vip"),
    "access_key": ("A member's access key.", "m5e987ac6d2e04d95a9d8f0d"),
}

IN_HEADERS: Mapping[str, tuple[str, Any]] = {
    "Idempotency-Key": (
        "For 24 hours the same key with the same body gets the first answer again, and nothing more is sent. Our own.",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
    ),
    "Accept-Language": ("`en` where English is preferred to Chinese.", {"type": "string"}),
}

ERRORS: Mapping[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "additionalProperties": False,
        "description": "An error as UMS writes it.",
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail", "errors"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "reason"],
                    "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
        "description": "Problem details (RFC 9457), with the fields that are wrong.",
    },
}

_KEY = "7d431e42dfa6a6d693ac2d04"

BODIES: Mapping[str, Any] = {
    "send.TemplateSend": {
        "aud_userid": ["zhangsan"],
        "template_id": 1,
        "template_para": {"name": "Li"},
        "app_para": {"platform": "all"},
    },
    "user_entries.Entries": [
        {"userid": "zhangsan", "phone": {"all": "18756432567"}, "add": {"tag": {"all": ["vip"]}}}
    ],
    "user_entries.Entry": {"userid": "zhangsan", "phone": {"all": "18756432567"}},
    "groups.Membership": {"add": ["zhangsan"]},
    "imports.ImportBody": {"kind": "users", "format": "xlsx"},
    "access_channels.AccessChannelBody": {"name": "orders"},
    "access_channels.Authorisation": {"enabled": True},
    "templates.TemplateBody": {
        "channel_key": _KEY,
        "name": "hello",
        "contents": {"app": {"alert": "Hello {{name}}"}, "sms": {"temp_id": 1, "temp_para": {}}},
    },
    "strategies.StrategyBody": {
        "channel_key": _KEY,
        "name": "push, then SMS",
        "steps": [
            {"channels": ["app"]},
            {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}},
        ],
    },
}

ANSWERS: Mapping[str, Any] = {
    "send.Accepted": {
        "code": 0,
        "msgid": "06hhgn2g006tpfbq",
        "msgno": "06hhgn2g006tpfbq",
        "sendno": "a-1",
    },
    "user_entries.Changed": {
        "code": 0,
        "message": "success",
        "data": {"success": ["zhangsan"], "fail": []},
    },
}
