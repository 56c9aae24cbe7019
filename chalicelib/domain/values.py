"""Values: frozen dataclasses that cost little to define.

A frozen dataclass compiles six methods of its own (CPython 3.11). That was a quarter of what
a function's cold start takes beside boto3. All values share five of them. A class compiles
its `__init__` with its first value, since an invocation uses few of the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[Any] | None = None, /, *, kw_only: bool = False) -> Any:
    """Make of a class what `dataclass(frozen=True)` would make of it."""
    if kind is None:
        return lambda kind: frozen(kind, kw_only=kw_only)
    for name, method in _SHARED.items():
        setattr(kind, name, method)
    kind.__doc__ = kind.__doc__ or kind.__name__  # or else dataclass would inspect `__init__`
    dataclass(init=False, eq=False, repr=False, kw_only=kw_only)(kind)
    kind.__init__ = _compiled_later(kind)
    return kind


def _compiled_later(kind: Any) -> Callable[..., None]:
    """Return an `__init__` that compiles the class's own one, which takes its place."""

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        heir = type(kind)(kind.__name__, (kind,), {"__doc__": kind.__doc__})
        kind.__init__ = dataclass(eq=False, repr=False)(heir).__init__  # with the fields of kind
        kind.__init__(self, *values, **named)

    return __init__


@cache
def _compared(kind: Any) -> Callable[[Any], Any]:
    names = [field.name for field in fields(kind) if field.compare]
    return attrgetter(*names) if names else lambda value: ()


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = _compared(self.__class__)
    return compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _setattr(self: Any, name: str, value: Any) -> None:
    """Set a field once, which `__init__` does."""
    if name in self.__dict__ or name not in self.__dataclass_fields__:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    self.__dict__[name] = value


def _delattr(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
