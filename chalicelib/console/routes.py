"""Pages by method and path. A section registers its pages when it is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.console.paths import plain

if TYPE_CHECKING:
    from chalicelib.console.door import Reply

View = Callable[[Any], "Reply"]  # of a Visit, which looks up routes itself


class Route(NamedTuple):
    """A page. `needs`: the role without which it is not even shown. `is_open`: to everybody.

    `takes_files`: its form may have files, and be as large as they need.
    """

    method: str
    path: str
    view: View
    needs: str
    is_open: bool
    takes_files: bool
    pattern: re.Pattern[str]

    @property
    def is_of_access_channel(self) -> bool:
        """Tell if the page changes nothing but its access channel. Users belong to all of them."""
        parts = self.path.split("/")
        is_of_all = len(parts) > 3 and parts[3] in OF_ALL and parts[-1] not in OF_ONE
        return parts[1] == "c" and not is_of_all


OF_ALL = ("users", "imports", "suppressions")
OF_ONE = ("preferences", "consents")  # of a user, for one access channel
ROUTES: list[Route] = []


def page(
    method: str,
    path: str,
    *,
    needs: str = "read-only",
    is_open: bool = False,
    takes_files: bool = False,
) -> Callable[[View], View]:
    """Register a page. Its path begins after `/console`."""

    def register(view: View) -> View:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        compiled = re.compile(pattern)
        ROUTES.append(Route(method, path, view, needs, is_open, takes_files, compiled))
        return view

    return register


def match(method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the page of a path with its parameters. A fixed path goes before an open one."""
    path = path.rstrip("/") or "/"
    wanted = "GET" if method == "HEAD" else method
    fitting = [
        (route, found)
        for route in ROUTES
        if route.method == wanted and (found := route.pattern.fullmatch(path))
    ]
    if not fitting:
        return None
    route, found = min(fitting, key=lambda each: each[0].path.count("{"))
    return route, {name: plain(value) for name, value in found.groupdict().items()}


def opened(path: str) -> str:
    """Return the path of the page that shows a form's answer: this one, or the one above it."""
    while path and match("GET", path) is None:
        path = path.rpartition("/")[0]
    return path or "/"
