"""Records: what operators configure, each kind described once for every store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from chalicelib.domain.values import frozen


class Versioned(Protocol):
    """A value with a version. Every change of a record makes the next version."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)


@frozen
class Kind(Generic[T]):
    """A kind of record: how its records are told apart, listed and named."""

    name: str  # in keys of stores
    noun: str  # in errors, without an article
    key: Callable[[T], str | int]
    scope: Callable[[T], str] = lambda record: ""  # whose list the record stands in
    unique: Callable[[T], str] | None = None  # the name that no other record of its scope may have
    maps: tuple[str, ...] = ()  # fields that `update` leaves alone: `set_entry` writes them
