"""A limit of the management API, and the requests that reach it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Limit(NamedTuple):
    """A request with a number of things, allowed from `least` to `most`. `field`: of a refusal."""

    what: str
    asks: Callable[[int], tuple[str, str, Any]]
    least: int | None
    most: int
    field: str


def x(n: int) -> str:
    return "x" * n


def posting(path: str, body: Callable[[int], Any]) -> Callable[[int], tuple[str, str, Any]]:
    return lambda n: ("POST", path, body(n))


def changing(
    path: str, body: Callable[[int], Any], method: str = "PATCH"
) -> Callable[[int], tuple[str, str, Any]]:
    return lambda n: (method, path, body(n))


def asking(path: Callable[[int], str]) -> Callable[[int], tuple[str, str, Any]]:
    return lambda n: ("GET", path(n), None)
