"""The life cycle of a target: events in their order, with the time between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.console.labels import FACTS, TYPES
from chalicelib.console.texts import Texts

N_ = str  # marks a text for the catalogue
STEPS = 9  # that have an icon of their own
STEP_ICONS = (
    *("number-1", "number-2", "number-3", "number-4", "number-5"),
    *("number-6", "number-7", "number-8", "number-9"),
)


class Event(NamedTuple):
    time: int
    kind: str
    icon: str
    title: str
    text: str = ""
    code: str = ""
    is_step: bool = False
    after: str = ""  # time since the event before


def events(report: Mapping[str, Any], target: Mapping[str, Any], texts: Texts) -> Sequence[Event]:
    """Return what happened to a target, oldest first."""
    # Providers report whole seconds, so what they took stands before what came of it.
    found = sorted(_events(report, target, texts), key=lambda event: event.time // 1000)
    shown: list[Event] = []
    for event in found:
        since = max(0, event.time - shown[-1].time) if shown else 0
        shown.append(event._replace(after=_after(since, texts)))
    return shown


def _after(milliseconds: int, texts: Texts) -> str:
    if milliseconds < 1000:
        return ""
    seconds = round(milliseconds / 1000)
    return f"+{seconds} s" if seconds < 120 else "+" + texts.duration(seconds // 60 * 60)


def _events(report: Mapping[str, Any], target: Mapping[str, Any], texts: Texts) -> Iterator[Event]:
    yield Event(report["accepted"], "", "send", texts.say("The message was accepted"))
    planned = target.get("planned")
    if planned:
        yield _planned(target, planned, texts)
    steps: set[int] = set()
    for delivery in target["deliveries"]:
        yield from _delivery(delivery, steps, texts)
    for condition in target.get("conditions", ()):
        yield from _condition(condition, texts)


def _planned(target: Mapping[str, Any], time: int, texts: Texts) -> Event:
    if target["loss"]:
        words, advice = texts.reason(target["loss"])
        return Event(time, "bad", "user-x", texts.say("Left out: %(reason)s", reason=words), advice)
    number = len({(each["code"], each["contact"]) for each in target["deliveries"]})
    title = texts.say_many(
        "Valid: %(num)s contact was found", "Valid: %(num)s contacts were found", number
    )
    left = [
        texts.say("%(code)s left out: %(reason)s", code=code, reason=texts.reason(why)[0])
        for code, why in target["refused"].items()
    ]
    return Event(time, "ok", "list-check", title, " · ".join(left))


# Outcomes of a condition that ended without its step: the kind of event, icon, and words.
OUTCOMES = {
    "reached": ("ok", "check", N_("Step %(step)s is not needed: the person was reached")),
    "withdrawn": ("warn", "arrow-back-up", N_("Step %(step)s does not begin: withdrawn")),
    "open": ("", "hourglass", N_("Step %(step)s: its condition is judged then")),
}
TERMS = {
    "missing": N_("%(channel)s: missing"),
    "reached": N_("%(channel)s: there"),
    "open": N_("%(channel)s: not known yet"),
}


def _condition(condition: Mapping[str, Any], texts: Texts) -> Iterator[Event]:
    """Yield the outcome of a condition whose step has not begun."""
    if condition["outcome"] not in OUTCOMES or condition["time"] is None:
        return
    kind, icon, words = OUTCOMES[condition["outcome"]]
    title = texts.say(words, step=condition["step"])
    yield Event(condition["time"], kind, icon, title, terms_of(condition, texts))


def terms_of(condition: Mapping[str, Any], texts: Texts) -> str:
    said = (
        texts.say(TERMS[term["outcome"]], channel=texts.say(TYPES[term["channel"]].name))
        for term in condition["terms"]
    )
    return " · ".join(said)


def _delivery(delivery: Mapping[str, Any], steps: set[int], texts: Texts) -> Iterator[Event]:
    """Yield the beginning of a step, once, and the facts of a delivery."""
    channel = texts.say(TYPES[delivery["channel"]].name)
    step = delivery["step"]
    if step not in steps:
        steps.add(step)
        title = texts.say("Step %(step)s · %(channel)s", step=step, channel=channel)
        icon = STEP_ICONS[min(step, STEPS) - 1]
        text = texts.say("The condition held, so this step began") if step > 1 else ""
        yield Event(delivery["decided"], "go", icon, title, text, is_step=True)
    for fact in sorted(delivery["facts"], key=lambda fact: fact["fact"] != "submitted"):
        kind, icon = FACTS.get(fact["fact"], FACTS["other"])
        where = f"{channel}, {delivery['masked']}"
        yield Event(fact["time"], kind, icon, texts.either(fact), where, fact["code"])
