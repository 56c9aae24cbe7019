"""The editor's model of a strategy: steps from a form, to the API, with warnings and an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from chalicelib.console.forms import Form, number_of
from chalicelib.console.labels import TYPES

N_ = str  # marks a text for the catalogue
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
DEFAULT = ("5", "min", "delivered")  # number, unit and what is missing, of a new term
SHORT = 60  # seconds below which receipts often come later
MAX_STEPS = 9
CHOICES = {  # how one channel of a step is chosen for each person
    "cheapest": N_("on the cheapest one that reaches them"),
    "best": N_("on the one whose messages arrive best"),
    "most_clicked": N_("on the one that they click most"),
    "preference": N_("on the one that they prefer for the topic"),
}
FATES = {
    "missed": N_("Only the last step reaches them"),
    "first": N_("The first step reaches them"),
    "none": N_("Nothing reaches them"),
}


@dataclass(frozen=True)
class Term:
    channel: str
    number: str = DEFAULT[0]
    unit: str = DEFAULT[1]
    missing: str = DEFAULT[2]

    @property
    def within(self) -> Any:
        """The seconds, or what was typed instead of a number, for the API to refuse."""
        number = number_of(self.number)
        return number * UNITS.get(self.unit, 1) if isinstance(number, int) else number

    @property
    def seconds(self) -> int:
        return self.within if isinstance(self.within, int) else 0


@dataclass(frozen=True)
class Step:
    channels: tuple[str, ...] = ()
    terms: tuple[Term, ...] = field(default=())
    operator: str = "and"
    choose: str = ""  # how one of its channels is chosen for each person
    dropped: tuple[str, ...] = ()  # channels of the step before that have no term


def fresh() -> list[Step]:
    return [Step(("app",)), Step(("sms",), (Term("app"),))]


def used(steps: Sequence[Step]) -> set[str]:
    return {channel for step in steps for channel in step.channels}


# -- from and to the API


def steps_of(strategy: Mapping[str, Any]) -> list[Step]:
    steps: list[Step] = []
    for step in strategy["steps"]:
        before = steps[-1].channels if steps else ()
        steps.append(_step_of(step, before))
    return steps


def _step_of(step: Mapping[str, Any], before: Sequence[str]) -> Step:
    condition = step.get("condition") or {"operator": "and", "terms": []}
    terms = tuple(_term_of(term) for term in condition["terms"])
    named = {term.channel for term in terms}
    dropped = tuple(channel for channel in before if channel not in named)
    choose = step.get("choose") or ""
    return Step(tuple(step["channels"]), terms, condition["operator"], choose, dropped)


def _term_of(term: Mapping[str, Any]) -> Term:
    """Write a time in its largest whole unit."""
    within = term["within"]
    unit = next(name for name in ("d", "h", "min", "s") if within % UNITS[name] == 0)
    return Term(term["channel"], str(within // UNITS[unit]), unit, term["missing"])


def body(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [_body(n, step) for n, step in enumerate(steps)]


def _body(n: int, step: Step) -> dict[str, Any]:
    made: dict[str, Any] = {"channels": list(step.channels)}
    if n:
        terms = [
            {"channel": term.channel, "missing": term.missing, "within": term.within}
            for term in step.terms
        ]
        made["condition"] = {"operator": step.operator, "terms": terms}
    if step.choose and len(step.channels) > 1:
        made["choose"] = step.choose
    return made


def shows(strategy: Mapping[str, Any]) -> bool:
    """Tell if the editor shows all of a strategy, so that saving it loses nothing."""
    steps = _fitted(steps_of(strategy))
    return body(steps) == [
        {n: v for n, v in step.items() if v is not None} for step in strategy["steps"]
    ]


# -- from a form, and its buttons


def read(form: Form) -> list[Step]:
    """Read the steps. Each channel of the step before has a term, unless it was dropped."""
    count = form.number("count")
    number = min(count, MAX_STEPS) if isinstance(count, int) else 0
    return _fitted([_read(form, n) for n in range(number)])


def _read(form: Form, n: int) -> Step:
    terms = [
        Term(
            channel,
            form.text(f"s{n}.{channel}.number", DEFAULT[0]),
            form.text(f"s{n}.{channel}.unit", DEFAULT[1]),
            form.text(f"s{n}.{channel}.missing", DEFAULT[2]),
        )
        for channel in form.many(f"s{n}.terms") + _added(form, n, "term")
    ]
    operator = "or" if form.text(f"s{n}.operator") == "or" else "and"
    typed = form.many(f"s{n}.channels") + _added(form, n, "add")
    named = [channel for channel in typed if channel in TYPES]  # no page can show another one
    dropped = tuple(form.many(f"s{n}.dropped"))
    choose = form.text(f"s{n}.choose")
    return Step(tuple(dict.fromkeys(named)), tuple(terms), operator, choose, dropped)


def _added(form: Form, n: int, name: str) -> list[str]:
    """Return what a button of a step adds: a channel, or a term for an earlier channel."""
    chosen = form.text(f"s{n}.{name}")
    return [chosen] if chosen and form.text("do") == f"{name}:{n}" else []


def act(steps: Sequence[Step], button: str) -> list[Step]:
    """Do what a button says: add or drop a step, or drop a channel of a step."""
    name, _, rest = button.partition(":")
    number, _, channel = rest.partition(":")
    changed = list(steps)
    typed = number_of(number)
    place = typed if isinstance(typed, int) else -1
    if name == "add-step" and len(changed) < MAX_STEPS:
        changed.append(Step())
    elif name == "drop-step" and 0 < place < len(changed):
        del changed[place]
    elif name == "drop" and 0 <= place < len(changed):
        kept = tuple(each for each in changed[place].channels if each != channel)
        changed[place] = replace(changed[place], channels=kept)
    elif name == "drop-term" and 0 < place < len(changed):
        step = changed[place]
        terms = tuple(term for term in step.terms if term.channel != channel)
        changed[place] = replace(step, terms=terms, dropped=(*step.dropped, channel))
    return _fitted(changed)


def _fitted(steps: Sequence[Step]) -> list[Step]:
    """Keep terms for channels of earlier steps. Those of the step before have one by default."""
    fitted: list[Step] = []
    for n, step in enumerate(steps):
        earlier = used(fitted)
        known = {term.channel: term for term in step.terms if term.channel in earlier}
        before = fitted[n - 1].channels if n else ()
        wanted = [channel for channel in before if channel not in step.dropped]
        if not known and not wanted:
            wanted = list(before)
        new = [Term(channel) for channel in wanted if channel not in known]
        terms = (*known.values(), *new)
        dropped = tuple(channel for channel in before if channel not in {t.channel for t in terms})
        fitted.append(replace(step, terms=terms, dropped=dropped))
    return fitted


def others(steps: Sequence[Step]) -> list[list[str]]:
    """Return for each step the channels of earlier steps that its condition does not name."""
    found: list[list[str]] = []
    for n, step in enumerate(steps):
        named = {term.channel for term in step.terms}
        earlier = [channel for each in steps[:n] for channel in each.channels]
        found.append([channel for channel in earlier if channel not in named])
    return found


# -- warnings


class Warning(NamedTuple):
    """A warning of a step: its place, a text, and the values that fill it."""

    step: int
    text: str
    channel: str
    title: str = ""


def reports(platforms: Any, access_channel: Mapping[str, Any] | None) -> Mapping[str, set[str]]:
    """Return what the available platforms of each channel type can report, at best."""
    found: dict[str, set[str]] = {}
    for each in platforms:
        if each["available"]:
            able = found.setdefault(each["type"], set())
            able |= {"click"} if each["click_report"] != "none" else set()
            able |= {"real"} if each["delivery_report"] == "real" else set()
    return found


def warnings(steps: Sequence[Step], reports: Mapping[str, set[str]]) -> list[Warning]:
    return [warning for n, step in enumerate(steps) for warning in _warnings(n, step, reports)]


def _warnings(n: int, step: Step, reports: Mapping[str, set[str]]) -> Iterator[Warning]:
    for term in step.terms:
        able = reports.get(term.channel, set())
        if term.missing == "clicked" and "click" not in able:
            text = N_("Its clicks cannot be seen, so everybody goes on to this step.")
            yield Warning(n, text, term.channel, N_("No clicks on %(channel)s."))
        if term.missing == "delivered" and "real" not in able:
            text = N_("It counts as delivered when the platform’s server takes it.")
            yield Warning(n, text, term.channel, N_("No real receipts on %(channel)s."))
        if 0 < term.seconds < SHORT:
            text = N_("Many receipts come later, so some people get the message twice.")
            yield Warning(n, text, term.channel, N_("The time for %(channel)s is short."))


# -- an example user

WIDTH, LEFT, TOP, LANE = 760, 110, 48, 40


class Mark(NamedTuple):
    """A point of a lane: send, okd (delivered), no (the condition holds), never."""

    kind: str
    x: float
    text: str = ""
    values: Mapping[str, Any] = {}


class Lane(NamedTuple):
    channel: str
    y: int
    wait: tuple[float, float] | None
    marks: tuple[Mark, ...]


class Lanes(NamedTuple):
    lanes: tuple[Lane, ...]
    times: tuple[tuple[float, int], ...]  # x, seconds
    height: int


def lanes(steps: Sequence[Step], fate: str) -> Lanes:
    """Draw what one user would see: when each step begins, and where it ends."""
    begins = _begins(steps)
    total = max(begins[-1] if begins else 0, 1)
    reached = {"first": 0, "missed": len(steps) - 1}.get(fate, len(steps))

    def x(seconds: float) -> float:
        return round(LEFT + seconds / total * (WIDTH - LEFT - 170), 1)

    drawn: list[Lane] = []
    for n, step in enumerate(steps):
        for channel in step.channels:
            y = TOP + LANE * len(drawn)
            if n > reached:
                drawn.append(
                    Lane(channel, y, None, (Mark("never", x(begins[n]), N_("never sent")),))
                )
                continue
            drawn.append(_lane(steps, n, channel, y, begins, x, n == reached))
    times = tuple(dict.fromkeys((x(begin), begin) for begin in begins))
    return Lanes(tuple(drawn), times, TOP + LANE * len(drawn))


def _begins(steps: Sequence[Step]) -> list[int]:
    """Return when each step begins, in seconds, if nothing is delivered before."""
    begins: list[int] = []
    at: dict[str, int] = {}  # when each channel sends
    for n, step in enumerate(steps):
        ends = [at.get(term.channel, 0) + term.seconds for term in step.terms] or [0]
        end = min(ends) if step.operator == "or" else max(ends)
        begins.append(max(end, begins[-1]) if n else 0)
        at |= dict.fromkeys(step.channels, begins[n])
    return begins


def _lane(  # type: ignore[no-untyped-def]
    steps: Sequence[Step], n: int, channel: str, y: int, begins: Sequence[int], x, is_reached: bool
) -> Lane:
    sent = Mark("send", x(begins[n]))
    if is_reached:
        arrived = Mark("okd", sent.x + 12, N_("delivered: the end"))
        return Lane(channel, y, None, (sent, arrived))
    waiting = ((k, t) for k in range(n + 1, len(steps)) for t in steps[k].terms)
    later, term = next(((k, t) for k, t in waiting if t.channel == channel), (n, None))
    if term is None:
        return Lane(channel, y, None, (sent, Mark("no", sent.x + 12, N_("not delivered"))))
    text = N_("not clicked") if term.missing == "clicked" else N_("not delivered")
    held = Mark("no", x(begins[n] + min(term.seconds, begins[later] - begins[n])), text)
    return Lane(channel, y, (sent.x, held.x), (sent, held))
