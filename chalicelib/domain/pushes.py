"""`msg_app`: pushes, one element per platform, as one push.

A delivery goes to a device whose platform nobody here knows, so the elements become one push that has a part for each platform: each
device gets its own part, once. What a push has only once (`message`, `options` …) must therefore be the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid, PlatformMissing, PlatformRepeated, PlatformWrong
from chalicelib.domain.templates import Content

PLATFORMS = ("android", "ios", "quickapp", "web", "hmos")
OBJECTS = ("notification", "message", "options")
UNSUPPORTED = ("audience", "callback")  # of a push, within UMS


def one_push(elements: Sequence[Mapping[str, Any]]) -> tuple[Content, str | list[str]]:
    """The push and its platforms; raises a Refusal or Invalid for a device that would get two, or for parts that contradict each other."""
    if len(elements) == 1:
        return _content(elements[0], "msg_app[0]"), _platforms(elements[0], "msg_app[0]")
    platforms: list[str] = []
    push: dict[str, Any] = {}
    for n, element in enumerate(elements):
        path = f"msg_app[{n}]"
        own = _named(_platforms(element, path))
        twice = next((name for name in own if name in platforms), None)
        if twice:
            raise PlatformRepeated(f"{path}.platform", platform=twice)
        platforms += own
        _merge(push, _content(element, path), own, path)
    _check_everywhere(elements)
    return push, platforms


def is_platform(given: Any) -> bool:
    names = [given] if isinstance(given, str) else given
    known = (
        isinstance(names, list)
        and bool(names)
        and all(isinstance(n, str) and n in PLATFORMS for n in names)
    )
    return known or given == "all"


def _platforms(element: Mapping[str, Any], path: str) -> str | list[str]:
    if element.get("platform") in (None, "", []):
        raise PlatformMissing(f"{path}.platform", why="")
    if not is_platform(element["platform"]):
        raise PlatformWrong(f"{path}.platform", platforms=PLATFORMS)
    given: str | list[str] = element["platform"]
    return given


def _named(platforms: str | list[str]) -> list[str]:
    if platforms == "all":
        return list(PLATFORMS)
    return [platforms] if isinstance(platforms, str) else list(dict.fromkeys(platforms))


def _content(element: Mapping[str, Any], path: str) -> Content:
    """Without what is said elsewhere. A `cid` is dropped: repeats are told apart by one of our own."""
    for name in UNSUPPORTED:
        if name in element:
            raise Invalid(f"{path}.{name}", "cannot be sent through UMS")
    for name in OBJECTS:
        if name in element and not isinstance(element[name], Mapping):
            raise Invalid(f"{path}.{name}", "must be an object")
    return {name: value for name, value in element.items() if name not in ("platform", "cid")}


def _merge(push: dict[str, Any], element: Content, platforms: Sequence[str], path: str) -> None:
    for name, value in element.items():
        if name == "notification":
            push[name] = {**push.get(name, {}), **_parts(value, platforms)}
        elif name == "options":
            options = push.setdefault(name, {})
            for option, setting in value.items():
                _put(options, option, setting, f"{path}.options.{option}")
        else:
            _put(push, name, value, f"{path}.{name}")


def _put(into: dict[str, Any], name: str, value: Any, path: str) -> None:
    if name in into and into[name] != value:
        raise Invalid(path, "must be the same in every element, since they become one push")
    into[name] = value


def _parts(notification: Mapping[str, Any], platforms: Sequence[str]) -> dict[str, Any]:
    """What the platforms of an element get: their own parts, or else the common alert."""
    common = {"alert": notification["alert"]} if "alert" in notification else {}
    found = {
        name: notification.get(name, {}) for name in platforms if name in notification or common
    }
    return {
        name: {**common, **part} if isinstance(part, Mapping) else part
        for name, part in found.items()
    }


def _check_everywhere(elements: Sequence[Mapping[str, Any]]) -> None:
    """A custom message is for every platform of a push: one that stands in some of the elements only would reach the others too."""
    having = [n for n, element in enumerate(elements) if "message" in element]
    if having and len(having) < len(elements):
        path = f"msg_app[{having[0]}].message"
        raise Invalid(path, "must stand in every element, since they become one push")
