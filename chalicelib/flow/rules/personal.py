"""Give each target the values that the contents take of it, or leave out what lacks one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain import elements
from chalicelib.domain.errors import Invalid
from chalicelib.domain.limits import MAX_CONTENT
from chalicelib.domain.messages import Message
from chalicelib.domain.rules.personal import (
    NO_VALUE,
    UNFIT,
    Personal,
    Values,
    is_unfit,
    names_in,
    values_of,
)
from chalicelib.domain.users import User
from chalicelib.flow.content import render
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedElement, ResolvedSend
from chalicelib.flow.select import Selection, leave_out
from chalicelib.ports import World

_Check = Callable[[str, Values], bool]


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Return the selections with their values, without contacts whose content lacks one."""
    if not message.personal:
        return selections
    fits = _checker(world, message)
    names = sorted({name for personal in message.personal.values() for name in personal.names})
    return [
        _with_values(message, selection, names, fits)
        if selection.target.loss is None
        else selection
        for selection in selections
    ]


def _with_values(
    message: Message, selection: Selection, names: Sequence[str], fits: _Check
) -> Selection:
    user = selection.user
    values = values_of(user.attributes, names) if user is not None else {}
    left_out = {
        code: why
        for code in sorted(selection.contacts)
        if (why := _reason(code, message.personal.get(code), values, fits))
    }
    changed = leave_out(selection, left_out)
    taken = {name for code in changed.contacts for name in _names(message, code)}
    return changed._replace(values={name: text for name, text in values.items() if name in taken})


def _names(message: Message, code: str) -> Sequence[str]:
    personal = message.personal.get(code)
    return personal.names if personal else ()


def _reason(code: str, personal: Personal | None, values: Values, fits: _Check) -> str:
    """Return why a content cannot be sent with these values, or an empty text."""
    if personal is None:
        return ""
    if any(name not in values for name in personal.needed):
        return NO_VALUE
    of_content = {name: values[name] for name in personal.names if name in values}
    return "" if fits(code, of_content) else UNFIT


def _checker(world: World, message: Message) -> _Check:
    """Return a check that the platform of a content takes it with some values, each once."""
    known: dict[tuple[str, frozenset[tuple[str, str]]], bool] = {}

    def fits(code: str, values: Values) -> bool:
        key = code, frozenset(values.items())
        if key not in known:
            known[key] = not is_unfit(values, values) and _is_taken(world, message, code, values)
        return known[key]

    return fits


def _is_taken(world: World, message: Message, code: str, values: Values) -> bool:
    channel = world.settings.channel(elements.channel_of(code))
    if channel is None:
        return True
    content = render.with_values(message.contents[code], values, message.channels[code])
    try:
        render.check_complete(world, world.providers.of(channel.platform), content, message.links)
    except Invalid:
        return False
    return render.size({code: content}) <= MAX_CONTENT


# -- facts about a message


def of_elements(
    world: World, request: SendRequest, resolved: ResolvedSend
) -> Mapping[str, Personal]:
    """Return the attributes that the contents of a template take, by code of the element."""
    if request.template is None:  # braces of an ordinary message are text
        return {}
    taken = {element.code: names_in(element.content) for element in resolved.elements}
    return {
        element.code: taken[element.code]._replace(is_shared=_is_shared(world, element))
        for element in resolved.elements
        if taken[element.code].names
    }


def _is_shared(world: World, element: ResolvedElement) -> bool:
    capabilities = world.providers.of(element.channel.platform).capabilities
    return not capabilities.content_per_recipient


def size(message: Message, user: User | None) -> int:
    """Return about how many bytes a plan takes for the values of a user."""
    names = {name for personal in message.personal.values() for name in personal.names}
    values = values_of(user.attributes, names) if user is not None else {}
    texts = (*values, *values.values())
    return sum(len(text.encode("utf-8", "surrogatepass")) + 3 for text in texts)
