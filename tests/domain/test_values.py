"""A value behaves as a frozen dataclass does, and works out what it needs with its first use."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from threading import Barrier
from typing import Any, Generic, TypeVar

import pytest

from chalicelib.domain.values import frozen

T = TypeVar("T")


@frozen
class Pair:
    left: int
    right: tuple[int, ...] = ()
    secret: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Model:
    left: int
    right: tuple[int, ...] = ()
    secret: str = field(default="", repr=False, compare=False)


@frozen
class Empty:
    pass


@frozen(kw_only=True)
class Named:
    name: str


@pytest.mark.parametrize("ask", [repr, asdict, hash, lambda pair: replace(pair, left=2) == pair])
def test_a_value_answers_as_a_frozen_dataclass(ask: Callable[[Any], Any]) -> None:
    value, model = Pair(1, (2,), "hidden"), Model(1, (2,), "hidden")
    answer = ask(model)
    assert ask(value) == (answer.replace("Model", "Pair") if isinstance(answer, str) else answer)


def test_values_are_equal_by_class_and_compared_fields() -> None:
    assert Pair(1, secret="a") == Pair(1, secret="b")
    assert Pair(1) != Pair(2)
    assert Pair(1) != Model(1)
    assert Empty() == Empty()
    assert {Pair(1), Pair(1, secret="b"), Empty(), Empty()} == {Pair(1), Empty()}
    with pytest.raises(TypeError, match="unhashable"):
        hash(Pair(1, [2]))  # type: ignore[arg-type]


def test_a_value_cannot_be_changed() -> None:
    value: Any = Pair(1)
    for name in ("left", "other"):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 3)
    with pytest.raises(FrozenInstanceError):
        del value.left
    assert value == Pair(1)


def test_a_value_is_copied_and_stored_whole() -> None:
    value = Pair(1, (2,), "hidden")
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert asdict(other) == asdict(value)


def test_a_value_may_take_its_fields_by_name_only() -> None:
    assert Named(name="a").name == "a"
    with pytest.raises(TypeError):
        Named("a")  # type: ignore[misc]


@frozen
class Listed(Pair):
    names: list[str] = field(default_factory=list)


def test_a_value_of_another_has_the_fields_and_defaults_of_both() -> None:
    first, second = Listed(1), Listed(1, names=["a"])
    assert asdict(first) == {"left": 1, "right": (), "secret": "", "names": []}
    assert first.names is not Listed(1).names
    assert first != second
    assert type(first) is Listed


def test_an_init_is_compiled_with_the_first_value() -> None:
    @frozen
    class Late:
        name: str

    waiting = Late.__init__
    with pytest.raises(TypeError, match=r"Late.__init__\(\) missing 1 required"):
        Late()  # type: ignore[call-arg]
    compiled = Late.__init__
    assert Late("a").name == "a"
    assert compiled is not waiting
    assert Late.__init__ is compiled


def test_fields_are_worked_out_by_their_first_reader() -> None:
    @frozen
    class Base:
        left: int = field(repr=False)
        right: int = field(default=2)

    @frozen(kw_only=True)
    class Heir(Base):
        names: list[str] = field(default_factory=list)

    waiting = vars(Base)["__dataclass_fields__"]
    assert (Base.right, hasattr(Base, "left"), hasattr(Heir, "names")) == (2, False, False)
    assert [f.name for f in fields(Heir)] == ["left", "right", "names"]
    assert vars(Base)["__dataclass_fields__"] is not waiting
    assert Heir.__match_args__ == ("left", "right")
    assert repr(Heir(1, names=["a"])).endswith("Heir(right=2, names=['a'])")
    with pytest.raises(TypeError):
        Heir(1, 2, ["a"])  # type: ignore[misc]


def test_a_value_of_a_class_without_a_decorator_has_the_fields_of_its_base() -> None:
    class Plain(Pair):
        pass

    assert asdict(Plain(1)) == asdict(Pair(1))
    assert Plain(1) != Pair(1)


def test_a_class_keeps_its_own_methods() -> None:
    @frozen
    class Secret:
        text: str

        def __repr__(self) -> str:
            return "Secret"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Secret)

    assert repr(Secret("a")) == "Secret"
    assert Secret("a") == Secret("b")
    assert hash(Secret("a")) == hash("a")


def test_a_field_may_have_any_name() -> None:
    @frozen
    class Odd:
        self: int
        kind: int = 2

    assert asdict(Odd(self=1)) == asdict(Odd(1)) == {"self": 1, "kind": 2}


def test_a_generic_value_is_made_with_and_without_its_type() -> None:
    @frozen
    class Box(Generic[T]):
        content: T

    assert Box[int](1) == Box(1)


def test_threads_that_make_the_first_value_at_once_get_equal_ones() -> None:
    @frozen
    class First:
        left: int
        names: list[str] = field(default_factory=list)

    begun = Barrier(8)

    def make(_: int) -> First:
        begun.wait()
        return First(1)

    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(make, range(8)))
    assert values == [First(1)] * 8


def test_values_share_every_method_but_init() -> None:
    shared = {name for name in vars(Pair) if vars(Pair)[name] is vars(Empty).get(name)}
    assert {"__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__"} <= shared
