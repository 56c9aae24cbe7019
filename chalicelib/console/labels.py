"""The words of the interface for values of the API. They are keys of the catalogue."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.domain.funnel import LOST_AS_INVALID
from chalicelib.domain.masks import masked as masked

N_ = str  # marks a text for the catalogue


class Type(NamedTuple):
    """A channel type: its name, a short name, its icon, and what its contacts are called."""

    name: str
    short: str
    icon: str
    contact: str


class State(NamedTuple):
    """A state as a chip: kind of colour, words, icon."""

    kind: str
    text: str
    icon: str


TYPES = {
    "app": Type(N_("App push"), N_("push"), icon="device-mobile", contact=N_("Registration id")),
    "wechatoa": Type(
        N_("WeChat official account"), N_("WeChat"), icon="brand-wechat", contact=N_("OpenID")
    ),
    "wechatmp": Type(
        N_("WeChat mini-program"), N_("mini-program"), icon="app-window", contact=N_("OpenID")
    ),
    "sms": Type(N_("SMS"), N_("SMS"), icon="message", contact=N_("Phone number")),
    "email": Type(N_("E-mail"), N_("e-mail"), icon="mail", contact=N_("E-mail address")),
    "alipay_life": Type(
        N_("Alipay life account"), N_("Alipay"), icon="brand-alipay", contact=N_("Alipay user id")
    ),
    "dingtalk_cc": Type(
        N_("DingTalk"), N_("DingTalk"), icon="brand-telegram", contact=N_("DingTalk user id")
    ),
    "wechatwk": Type(
        N_("WeCom"), N_("WeCom"), icon="building-community", contact=N_("WeCom user id")
    ),
    "wechatwk_linkedcorp": Type(
        N_("WeCom linked corporation"),
        N_("linked corporation"),
        icon="affiliate",
        contact=N_("Linked corporation’s user id"),
    ),
}

ROLES = {
    "administrator": N_("administrator"),
    "operator": N_("operator"),
    "reviewer": N_("reviewer"),
    "read-only": N_("read-only"),
}

STATUSES = {  # of a message
    "accepted": State("info", N_("Accepted"), icon="clock"),
    "sending": State("info", N_("Being sent"), icon="loader-2"),
    "finished": State("ok", N_("Finished"), icon="check"),
    "withdrawn": State("", N_("Withdrawn"), icon="arrow-back-up"),
}

CHECKS = {  # of targets, by the names of the rules of sending
    "user": N_("The user exists"),
    "day of the schedule": N_("Day of the schedule"),
    "blacklist": N_("Blacklist"),
    "whitelist": N_("Whitelist"),
    "suppressions": N_("Suppressions and opt-outs"),
    "contacts": N_("Contacts"),
    "preferences": N_("Topic and quiet time of the person"),
    "consent": N_("Consent"),
    "sensitive words": N_("Sensitive words"),
    "personal values": N_("Personal values"),
    "choice of a channel": N_("Choice of a channel"),
    "caps": N_("Frequency caps"),
    "budget": N_("Budget of the month"),
    "A/B test": N_("A/B test"),
}
ORIGINS = {  # ways on which messages are asked for
    "api": N_("API"),
    "console": N_("Console"),
    "schedule": N_("Schedule"),
    "ab_test": N_("A/B test"),
}
REVIEWED = {  # states of what no level of a review decides on any more
    "in_review": State("warn", N_("in review"), icon="clock"),
    "rejected": State("bad", N_("rejected"), icon="x"),
    "pending": State("ok", N_("Approved, waits for its time"), icon="clock"),
    "done": State("ok", N_("Ended"), icon="check"),
    "cancelled": State("", N_("Cancelled"), icon="x"),
}
AB_TESTS = {  # states of an A/B test
    "starting": State("info", N_("Starting"), icon="loader-2"),
    "running": State("info", N_("Running"), icon="clock"),
    "decided": State("ok", N_("Ended"), icon="check"),
    "sending": State("info", N_("Being sent"), icon="loader-2"),
    "sent": State("ok", N_("Sent to the rest"), icon="check"),
    "cancelling": State("", N_("Being cancelled"), icon="loader-2"),
    "cancelled": State("", N_("Cancelled"), icon="x"),
}

AB_FAILURES = {  # why a message of an A/B test does not count
    "refused": N_("refused"),
    "missed": N_("too late"),
    "in_review": N_("still in review"),
    "rejected": N_("rejected"),
    "cancelled": N_("cancelled"),
    "withdrawn": N_("withdrawn"),
    "deleted": N_("deleted"),
}

TARGETS = {  # states of a target, and of a delivery
    "clicked": State("ok", N_("Clicked"), icon="click"),
    "delivered": State("ok", N_("Delivered"), icon="check"),
    "submitted": State("info", N_("Awaiting receipt"), icon="hourglass"),
    "pending": State("info", N_("To be submitted"), icon="clock"),
    "accepted": State("info", N_("Accepted"), icon="clock"),
    "withdrawn": State("", N_("Withdrawn"), icon="arrow-back-up"),
    "bounced": State("bad", N_("Came back"), icon="mail-x"),
    "delivery_failed": State("bad", N_("Not delivered"), icon="x"),
    "submit_failed": State("bad", N_("Not submitted"), icon="x"),
    "invalid_target": State("bad", N_("Invalid contact"), icon="user-x"),
    "invalid": State("bad", N_("Left out"), icon="user-x"),
    "unknown": State("warn", N_("Unknown"), icon="question-mark"),
    "skipped": State("", N_("Reached otherwise"), icon="arrow-ramp-right-2"),
    "expired": State("", N_("Expired"), icon="clock-off"),
}

STAGES = {
    "planned": N_("Planned"),
    "valid": N_("Valid"),
    "submitted": N_("Submitted"),
    "delivered": N_("Delivered"),
    "clicked": N_("Clicked"),
}

PRIORITIES = {1: N_("high"), 2: N_("medium"), 3: N_("low")}
AUDIENCES = {
    "users": N_("named users"),
    "contacts": N_("registration ids"),
    "sets": N_("tags or a segment"),
    "everyone": N_("everyone"),
}

LOSS_STAGES = (  # the three stages of losses on a delivery channel
    (N_("Planned → valid"), "losses.valid", LOST_AS_INVALID),
    (
        N_("Valid → submitted"),
        "losses.submitted",
        ("submit_failed", "unknown", "skipped", "expired", "withdrawn"),
    ),
    (N_("Submitted → delivered"), "losses.delivered", ("delivery_failed", "bounced")),
)

FACTS = {  # what happened to a delivery: the colour of its mark, and its icon
    "submitted": ("ok", "send"),
    "submit_failed": ("bad", "x"),
    "invalid_target": ("bad", "user-x"),
    "delivered": ("ok", "check"),
    "delivery_failed": ("bad", "x"),
    "bounced": ("bad", "mail-x"),
    "clicked": ("ok", "click"),
    "withdrawn": ("", "arrow-back-up"),
    "withdraw_failed": ("warn", "arrow-back-up"),
    "unknown": ("warn", "question-mark"),
    "skipped": ("", "check"),
    "expired": ("bad", "clock-off"),
    "opened": ("ok", "mail-opened"),
    "scanned": ("", "robot"),
    "complained": ("bad", "flag"),
    "other": ("", "question-mark"),
}

VALUE_KINDS = {  # of values of third-party templates
    "thing": N_("any text"),
    "number": N_("a number"),
    "letter": N_("letters"),
    "symbol": N_("symbols"),
    "character_string": N_("digits, letters and symbols"),
    "time": N_("a time such as 15:01, or two with ~ between"),
    "date": N_("a date such as 2026-11-29, with a time or without"),
    "amount": N_("an amount of up to 10 digits"),
    "phone_number": N_("digits and symbols"),
    "car_number": N_("letters and digits; the first and the last may be Chinese"),
    "name": N_("a name: 10 Chinese characters, or 20 letters and symbols"),
    "phrase": N_("Chinese characters"),
    "const": N_("one of the texts that the template allows"),
    "enum": N_("one of the texts that the template allows"),
    "enum_string": N_("one of the texts that the template allows"),
}
