"""A limit of UMS v1, and the parts of its requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.entrypoints.conftest import SENDER

SMS = [{"temp_id": 1}]


@dataclass(frozen=True)
class Limit:
    """A limit: `body` builds a request with a number of things, and a refusal names `place`.

    `least`: the minimum, if there is one.

    `taken`: codes of what is within the limit, but names things that are not there.
    """

    place: str
    most: int | None
    body: Callable[[int], Any]
    least: int | None = None
    code: int = 4004
    path: str = "/v1/sent"
    method: str = "POST"
    auth: str = SENDER
    headers: Callable[[int], Mapping[str, str]] = lambda n: {}
    taken: tuple[int, ...] = (0,)

    def __str__(self) -> str:
        return f"{self.path} {self.place}"


def text(n: int) -> str:
    return "x" * n


def send(**fields: Any) -> dict[str, Any]:
    return {
        "aud_userid": ["u"],
        **({} if any(name.startswith("msg_") for name in fields) else {"msg_sms": SMS}),
        **fields,
    }


def address(n: int) -> str:
    return "https://a.cn/".ljust(n, "x")
