"""The answer to the question why somebody did or did not get a message, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.console.labels import TYPES
from chalicelib.console.texts import Texts

N_ = str  # marks a text for the catalogue


class Answer(NamedTuple):
    """A sentence with its explanation, and the page to mend it: `user`, `channel` or none."""

    kind: str  # ok, bad, warn, info
    icon: str
    title: str
    text: str
    mend: str = ""
    code: str = ""  # of the provider


ICONS = {"ok": "check", "bad": "x", "warn": "question-mark", "info": "hourglass"}

# Losses that a change of the user mends.
MENDED_BY_USER = ("unknown_user", "no_contact", "contact_gone")

STATES = {  # by state: kind, the sentence, what to know, where to mend it
    "clicked": ("ok", N_("Reached: clicked on %(channel)s at %(time)s."), "", ""),
    "delivered": ("ok", N_("Reached: it arrived on %(channel)s at %(time)s."), "", ""),
    "submitted": (
        "info",
        N_("Not known yet: %(channel)s took it at %(time)s, and no receipt has come."),
        N_("Receipts take seconds for a push, and up to a day for some carriers."),
        "",
    ),
    "pending": (
        "info",
        N_("Not sent yet: it waits for its turn on %(channel)s."),
        N_("Large messages take their time. The progress of the message says how much is left."),
        "",
    ),
    "accepted": (
        "info",
        N_("Not sent yet: the message was just accepted."),
        N_("Open this page again in some seconds."),
        "",
    ),
    "withdrawn": (
        "warn",
        N_("Not sent: somebody withdrew the message."),
        N_("What had arrived before stays with the person."),
        "",
    ),
    "bounced": (
        "bad",
        N_("Not reached: the mail came back."),
        N_("Its server took it and returned it later."),
        "user",
    ),
    "delivery_failed": (
        "bad",
        N_("Not reached: %(channel)s reported at %(time)s that it did not arrive."),
        N_("The provider had taken it before."),
        "user",
    ),
    "submit_failed": (
        "bad",
        N_("Not sent: the provider of %(channel)s refused it."),
        N_("Test the delivery channel, and look at the content."),
        "channel",
    ),
    "invalid_target": (
        "bad",
        N_("Not sent: the provider of %(channel)s does not know the contact."),
        N_("Check the contact of the user."),
        "user",
    ),
    "unknown": (
        "warn",
        N_("Not known: the provider of %(channel)s gave no answer."),
        N_("It may or may not have it. It is not sent again by default."),
        "channel",
    ),
    "expired": (
        "bad",
        N_("Not sent: %(channel)s did not take it in time."),
        N_("The delivery channel was too slow, or its quota was used up."),
        "channel",
    ),
    "skipped": ("ok", N_("Reached by another channel, so %(channel)s was not used."), "", ""),
}


def answer(target: Mapping[str, Any], texts: Texts) -> Answer:
    """Return the answer for a target as the API reports it."""
    if target["loss"]:
        words, advice = texts.reason(target["loss"])
        title = texts.say("Not sent: %(reason)s.", reason=words)
        mend = "user" if target["loss"] in MENDED_BY_USER else ""
        return Answer("bad", ICONS["bad"], title, advice, mend)
    kind, title, text, mend = STATES.get(target["state"], STATES["pending"])
    delivery = _decisive(target)
    facts = delivery["facts"] if delivery else []
    fact = next((each for each in reversed(facts) if each["fact"] == target["state"]), None)
    channel = texts.say(TYPES[delivery["channel"]].name) if delivery else "–"
    said = texts.say(title, channel=channel, time=texts.clock(fact["time"]) if fact else "–")
    return Answer(
        kind, ICONS[kind], said, texts.say(text) if text else "", mend, fact["code"] if fact else ""
    )


def _decisive(target: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the delivery that the target's state comes from, else the last one."""
    deliveries: Sequence[Mapping[str, Any]] = target["deliveries"]
    same = [each for each in deliveries if each["state"] == target["state"]]
    return next(iter(same or deliveries), None)
