"""Texts and examples of the documentation. A test sends the examples and compares the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TAGS: Mapping[str, str] = {
    "sending": "Send and withdraw messages, upload attachments, get access tokens of providers.",
    "users": "People, their contacts and tags.",
    "messages": "Reports of messages and of their targets.",
    "statistics": "Figures over a stretch of time. docs/reference/figures.md defines them.",
    "exports": "Files of figures and of the targets of messages.",
    "receipts": "Webhooks of providers, and links in messages.",
    "access-channels": "Senders: business lines, each with its own key.",
    "channels": "Delivery channels: accounts of providers that messages go out on.",
    "checks": "Answers of providers about a delivery channel.",
    "templates": "Contents with variables, one per channel type, in versions.",
    "strategies": "Orders of channels, with the conditions between them.",
    "consents": "Consent that an access channel requires.",
    "caps": "Messages of an access channel that a person may get within a time.",
    "topics": "Subjects of messages, among which people choose.",
    "sensitive-words": "Words that messages and templates must not contain.",
    "ab-tests": "Tests of contents, channels and times on parts of an audience.",
    "schedules": "Messages that wait for their time, and what became of them.",
    "reviews": "Messages and templates that members must approve.",
    "quiet-hours": "Times at which an access channel sends nothing.",
    "broadcast-quota": "Broadcasts that an access channel may send in a day.",
    "budget": "Money that an access channel may spend on deliveries in a month.",
    "choice": "Rates of each user, by which steps choose a channel.",
    "retention": "Days for which the messages of an access channel are kept.",
    "suppressions": "Contacts that no access channel sends to.",
    "lists": "Black- and whitelists.",
    "segments": "Groups of users, by hand, by file and by rules.",
    "events": "Events of users, with properties.",
    "interactions": "Interactions of users with messages, kept for rules of segments.",
    "tags": "Tags that users may carry.",
    "imports": "Users, tags and members from files.",
    "Operation Growth": "Interface of Operation Growth.",
    "members": "People and programs that use the management API, each with a role.",
    "audit": "Changes, with the members who made them.",
    "documentation": "Documentation of this API.",
}

IN_PATHS: Mapping[str, tuple[str, str]] = {
    "type": ("Channel type.", "sms"),
    "key": ("Channel key of an access channel.", "7d431e42dfa6a6d693ac2d04"),
    "code": ("Code of a delivery channel.", "app1"),
    "token": ("Token at the end of the address.", "Zx3vq8JkPpE5"),
    "msgid": ("Message id.", "06hhgn2g006tpfbq"),
    "target": (
        "Target id: a user id, or the id that a search by registration id returned.",
        "zhangsan",
    ),
    "template_id": ("Template id.", "1"),
    "rule_id": ("Strategy id.", "1"),
    "topic": ("Topic id.", "1"),
    "version": ("Number of a version.", "1"),
    "label": ("Id of a contact label.", "1"),
    "number": ("Number of a message in the sandbox.", "1"),
    "id": ("Id.", "1"),
    "check_id": ("Id of a check.", "5e987ac6d2e04d95a9d8f0d15e987ac6"),
    "userid": ("User id.", "zhangsan"),
    "scope": ("Scope: `all` or a channel key.", "all"),
    "tag": ("Tag.", "vip"),
    "name": ("Name of an event.", "order"),
    "access_key": ("Access key of a member.", "m5e987ac6d2e04d95a9d8f0d"),
}

IN_HEADERS: Mapping[str, tuple[str, Any]] = {
    "Idempotency-Key": (
        "Key of the request. For 24 hours, the same key with the same body gets the first answer"
        " again, and nothing is sent twice. An extension of UMS.",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
    ),
    "Accept-Language": ("Preferred language of error texts: `zh` or `en`.", {"type": "string"}),
}

ERRORS: Mapping[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "additionalProperties": False,
        "description": "An error in UMS's format.",
    },
    "UsersError": {
        "type": "object",
        "required": ["code", "message", "data"],
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "data": {"const": "", "description": "Always empty in an error."},
        },
        "additionalProperties": False,
        "description": "An error of changes of users in UMS's format, whose `data` is empty.",
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
        "description": "Problem details (RFC 9457), with the wrong fields.",
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
    "exports.TargetsExport": {"msgid": "06hhgn2g006tpfbq", "reason": "no_contact"},
    "exports.StatisticsExport": {"since": "2026-11-01", "until": "2026-11-29", "format": "xlsx"},
    "imports.ImportBody": {"kind": "users", "format": "xlsx"},
    "access_channels.AccessChannelBody": {"name": "orders"},
    "access_channels.Authorisation": {"enabled": True},
    "suppressions.ContactsBody": {"type": "sms", "contacts": ["18756432567"]},
    "list_contacts.ContactMembership": {"add": [{"type": "sms", "contact": "18756432567"}]},
    "quiet_hours.QuietHoursBody": {
        "action": "hold",
        "windows": [{"begin": "22:00", "end": "08:00", "time_zone": "Asia/Shanghai"}],
    },
    "templates.TemplateBody": {
        "channel_key": _KEY,
        "name": "hello",
        "contents": {"app": {"alert": "Hello {{name}}"}, "sms": {"temp_id": 1, "temp_para": {}}},
    },
    "third_party.TextBody": {
        "text": "您的验证码是{{code}}，2分钟内有效。",
        "category": "verification",
        "seconds": 120,
    },
    "third_party.SignatureBody": {"text": "极光推送"},
    "third_party.TemplateImport": {"id": "37582"},
    "third_party_library.KeywordChoice": {"keywords": [1, 2]},
    "consents.ConsentRuleBody": {"purpose": "marketing"},
    "consents.ConsentEntries": {
        "consents": [
            {"type": "sms", "contact": "18756432567", "purpose": "marketing", "given": True}
        ]
    },
    "people.PreferencesBody": {
        "quiet": {"begin": "22:00", "end": "08:00", "time_zone": "Asia/Shanghai"}
    },
    "segments.SegmentBody": {
        "channel_key": _KEY,
        "name": "big spenders",
        "kind": "rules",
        "rule": {"attribute": "points", "is": "at_least", "value": 100},
    },
    "segments.SegmentEstimateBody": {
        "channel_key": _KEY,
        "rule": {"all": [{"contact": "app"}, {"not": {"contact": "email"}}]},
    },
    "events.EventsBody": {
        "events": [{"userid": "zhangsan", "name": "order", "properties": {"amount": 120}}]
    },
    "events.EventBody": {"name": "order", "properties": {"amount": 120}},
    "topics.TopicBody": {"channel_key": _KEY, "name": "Offers"},
    "budget.BudgetBody": {"per_month": 5000.0, "warn_at": 0.8},
    "caps.CapsBody": {"caps": [{"most": 3, "days": 1, "channel": "sms"}]},
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
