"""`msg_app`: pushes, one element per platform, as one push.

The platform of a device is unknown here. The elements therefore become one push with a part for
each platform. Each device gets its own part, once. A field that a push has only once
(`message`, `options` …) must be the same in every element.
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
    """Return the push and its platforms.

    Raise a Refusal if a device would get two pushes. Raise Invalid for parts that contradict each
    other.
    """
    if len(elements) == 1:
        return _content(elements[0], "msg_app[0]"), _platforms(elements[0], "msg_app[0]")
    platforms: list[str] = []
    push: dict[str, Any] = {}
    for n, element in enumerate(elements):
        path = f"msg_app[{n}]"
        names = _named(_platforms(element, path))
        repeated = next((name for name in names if name in platforms), None)
        if repeated:
            raise PlatformRepeated(f"{path}.platform", platform=repeated)
        platforms += names
        _merge(push, _content(element, path), names, path)
    _check_everywhere(elements)
    return push, platforms


def is_platform(value: Any) -> bool:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        return False
    return value == "all" or all(isinstance(n, str) and n in PLATFORMS for n in names)


def _platforms(element: Mapping[str, Any], path: str) -> str | list[str]:
    if element.get("platform") in (None, "", []):
        raise PlatformMissing(f"{path}.platform", why="")
    if not is_platform(element["platform"]):
        raise PlatformWrong(f"{path}.platform", platforms=PLATFORMS)
    platforms: str | list[str] = element["platform"]
    return platforms


def _named(platforms: str | list[str]) -> list[str]:
    if platforms == "all":
        return list(PLATFORMS)
    return [platforms] if isinstance(platforms, str) else list(dict.fromkeys(platforms))


def _content(element: Mapping[str, Any], path: str) -> Content:
    """Return the fields of an element that make up the push.

    A `cid` is dropped, because each call has a `cid` of our own to recognise repeats.
    """
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
    """Return the parts of an element's platforms. The common alert fills in for missing ones."""
    common = {"alert": notification["alert"]} if "alert" in notification else {}
    parts: dict[str, Any] = {}
    for name in platforms:
        if name in notification or common:
            part = notification.get(name, {})
            parts[name] = {**common, **part} if isinstance(part, Mapping) else part
    return parts


def _check_everywhere(elements: Sequence[Mapping[str, Any]]) -> None:
    """Raise Invalid for a custom message that only some of the elements have.

    A custom message goes to every platform of a push, so it would reach the others too.
    """
    having = [n for n, element in enumerate(elements) if "message" in element]
    if having and len(having) < len(elements):
        path = f"msg_app[{having[0]}].message"
        raise Invalid(path, "must stand in every element, since they become one push")
