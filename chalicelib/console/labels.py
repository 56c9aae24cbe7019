"""The words of the interface for values of the API. They are keys of the catalogue."""

from __future__ import annotations

from typing import NamedTuple

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

# Why a target was left out, and why a delivery was lost: the reason, and what to do about it.
LOSSES = {
    "unknown_user": (N_("No such user"), N_("The userid was never uploaded.")),
    "no_contact": (
        N_("No contact to send to"),
        N_("The user has no contact on these delivery channels."),
    ),
    "opted_out": (N_("Opted out"), N_("They must not be sent to any more.")),
    "contact_gone": (
        N_("Contact is dead"),
        N_("A provider reported it: an empty number, a removed app, an unfollowed account."),
    ),
    "blacklisted": (N_("On the blacklist"), N_("The message left the members of a list out.")),
    "not_whitelisted": (
        N_("Not on the whitelist"),
        N_("The message was for the members of a list only."),
    ),
    "invalid_target": (N_("The provider refused the contact"), N_("Check how it is spelt.")),
    "submit_failed": (
        N_("The provider refused the delivery"),
        N_("Test the delivery channel, and look at the content."),
    ),
    "delivery_failed": (
        N_("It did not arrive"),
        N_("The provider took it and reported a failure later."),
    ),
    "bounced": (N_("The mail came back"), N_("Its server took it and returned it later.")),
    "unknown": (
        N_("No answer, so the result is unknown"),
        N_("It is not sent again by default, so that nobody gets it twice."),
    ),
    "skipped": (
        N_("Reached by another channel meanwhile"),
        N_("Nothing was lost: the person had it already."),
    ),
    "expired": (N_("Not submitted in time"), N_("Its delivery channel was too slow or full.")),
    "withdrawn": (N_("Withdrawn"), N_("Somebody withdrew the message.")),
}

LOSS_STAGES = (  # the three stages of losses on a delivery channel
    (N_("Planned → valid"), ("invalid_target",)),
    (
        N_("Valid → submitted"),
        ("submit_failed", "unknown", "skipped", "expired", "withdrawn"),
    ),
    (N_("Submitted → delivered"), ("delivery_failed", "bounced")),
)

FACTS = {  # what happened to a delivery: a sentence, and an icon with its colour
    "submitted": State("go", N_("The provider took it"), icon="send"),
    "submit_failed": State("bad", N_("The provider refused it"), icon="x"),
    "invalid_target": State("bad", N_("The provider refused the contact"), icon="user-x"),
    "delivered": State("ok", N_("Delivered"), icon="check"),
    "delivery_failed": State("bad", N_("It did not arrive"), icon="x"),
    "bounced": State("bad", N_("The mail came back"), icon="mail-x"),
    "clicked": State("ok", N_("Clicked"), icon="click"),
    "withdrawn": State("", N_("Withdrawn"), icon="arrow-back-up"),
    "withdraw_failed": State("warn", N_("It could not be taken back"), icon="arrow-back-up"),
    "unknown": State("warn", N_("No answer, so the result is unknown"), icon="question-mark"),
    "skipped": State("", N_("Not sent: another channel had reached the person"), icon="check"),
    "expired": State("bad", N_("It was not submitted in time"), icon="clock-off"),
    "opened": State("ok", N_("The mail was opened"), icon="mail-opened"),
    "scanned": State("", N_("A program looked at a link"), icon="robot"),
    "complained": State("bad", N_("Reported as spam"), icon="flag"),
    "other": State("", N_("A status that we do not know"), icon="question-mark"),
}

DEFINITIONS = {
    "planned_u": N_(
        "Planned users: everybody whom the audience of the message named, before anything was"
        " filtered."
    ),
    "valid_u": N_("Valid users: who was left after filtering. Planned = valid + lost, always."),
    "submitted_u": N_(
        "Submitted users: at least one delivery channel took a delivery to the person."
    ),
    "delivered_u": N_(
        "Delivered users: at least one receipt says that it arrived, on whatever channel."
    ),
    "clicked_u": N_("Clicked users: the person clicked on at least one channel."),
    "planned_c": N_("Planned targets: contacts to be submitted to this delivery channel."),
    "valid_c": N_("Valid targets: those that the provider did not reject as invalid."),
    "submitted_c": N_("Submitted: of the valid targets, those that the provider took."),
    "delivered_c": N_("Delivered: of the submitted, those with a receipt."),
    "clicked_c": N_("Clicked: of the delivered, those opened by a click."),
    "rate_d": N_("Delivery rate: delivered ÷ submitted."),
    "rate_c": N_("Click rate: clicked ÷ delivered."),
    "loss_u": N_(
        "User losses: from planned to valid. What is lost after that is lost on a channel and"
        " counted there."
    ),
    "loss_c": N_(
        "Channel losses: failures that channels report, by reason. Receipts may be late or missing,"
        " so that they need not add up to the difference."
    ),
    "segments": N_(
        "SMS are charged by part: up to 70 characters are one; longer ones are cut into parts of"
        " 67. Short texts without Chinese may hold more."
    ),
}


def loss(reason: str) -> tuple[str, str, str]:
    """Return the words of a loss, what to do, and the provider's code if there is one."""
    kind, _, code = reason.partition(":")
    words, remedy = LOSSES.get(kind, (kind, ""))
    return words, remedy, code
