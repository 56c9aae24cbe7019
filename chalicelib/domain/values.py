"""Values: frozen dataclasses that cost little to define, to make and to read.

A frozen dataclass compiles six methods of its own (CPython 3.11). That was a quarter of what
a function's cold start takes beside boto3. All values share five of them. A class works out its
fields and compiles its `__init__` with its first value, since an invocation uses few classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[Any] | None = None, /, *, kw_only: bool = False) -> Any:
    """Make of a class what `dataclass(frozen=True)` would make of it.

    Fields take part in `__init__`, and a class has neither `InitVar` nor `__post_init__`.
    """
    if kind is None:
        return lambda kind: frozen(kind, kw_only=kw_only)
    declared = dict(vars(kind))
    for name, default in declared.items():
        if isinstance(default, Field):
            _set_default(kind, name, default)
    for name, method in _SHARED.items():
        if declared.get(name) is None:  # Python sets `__hash__` to None beside an own `__eq__`
            setattr(kind, name, method)
    kind.__doc__ = kind.__doc__ or kind.__name__  # or else dataclass would inspect `__init__`
    kind.__dataclass_fields__ = _Later(kind, declared, kw_only=kw_only)
    kind.__init__ = _compiled_later(kind)
    return kind


def _set_default(kind: Any, name: str, field: Field[Any]) -> None:
    """Leave the default of a field, or nothing, on the class, as `dataclass` does."""
    if field.default is MISSING:
        delattr(kind, name)
    else:
        setattr(kind, name, field.default)


class _Later:
    """The fields of a class, which their first reader works out."""

    def __init__(self, kind: Any, declared: Mapping[str, Any], *, kw_only: bool) -> None:
        self._kind = kind
        self._declared = declared
        self._kw_only = kw_only

    def __get__(self, value: object, owner: type[Any]) -> dict[str, Field[Any]]:
        """Return the fields of the class, and put them in place of itself.

        A twin of the class works them out. So threads that begin at once do not disturb each other.
        """
        kind, skipped = self._kind, ("__dict__", "__weakref__")
        namespace = {name: self._declared[name] for name in self._declared if name not in skipped}
        twin: Any = type(kind)(
            kind.__name__, kind.__bases__, {**namespace, "__doc__": kind.__doc__}
        )
        dataclass(init=False, eq=False, repr=False, kw_only=self._kw_only)(twin)
        kind.__match_args__ = twin.__match_args__  # type: ignore[misc]
        kind.__dataclass_params__ = twin.__dataclass_params__
        kind.__dataclass_fields__ = twin.__dataclass_fields__
        return kind.__dataclass_fields__  # type: ignore[no-any-return]


def _compiled_later(kind: Any) -> Callable[..., None]:
    """Return an `__init__` that compiles the class's own one, which takes its place."""

    def __init__(self: Any, /, *values: Any, **named: Any) -> None:
        kind.__init__ = _compiled(kind)
        kind.__init__(self, *values, **named)

    return __init__


def _compiled(kind: Any) -> Callable[..., None]:
    """Return the `__init__` of a class.

    It fills the value's dictionary at once. CPython 3.11 reads a dictionary that was filled field
    by field four times slower.
    """
    every = fields(kind)
    parameters = ["_VALUE", "/", *(_parameter(f) for f in every if not f.kw_only)]
    by_name = [_parameter(f) for f in every if f.kw_only]
    parameters += ["*", *by_name] if by_name else []
    values = ", ".join(f"{f.name}={_value(f)}" for f in every)
    names: dict[str, Any] = {"_MADE": MISSING}
    names |= {f"_default_{f.name}": f.default for f in every}
    names |= {f"_make_{f.name}": f.default_factory for f in every}
    code = f"def __init__({', '.join(parameters)}): _VALUE.__dict__.update({values})"
    exec(code, names)  # noqa: S102 - names of fields are all that varies, as in `dataclass`
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{kind.__qualname__}.__init__"
    return init


def _parameter(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return f"{field.name}=_default_{field.name}"
    return field.name if field.default_factory is MISSING else f"{field.name}=_MADE"


def _value(field: Field[Any]) -> str:
    """Return the code of a field's value."""
    if field.default_factory is MISSING:
        return field.name
    return f"_make_{field.name}() if {field.name} is _MADE else {field.name}"


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
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
