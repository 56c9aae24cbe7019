"""A gateway's way to name the messages of a SUBMIT to several numbers, and how it shows.

By the standard the messages have consecutive ids, of which SUBMIT_RESP tells the first. Many
gateways report them all under that one id. The next SUBMIT then has an id which the standard would
have given to a number of the group. So an id that was derived never counts before one that a
SUBMIT_RESP told. The first reports show which way a gateway goes.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

MOST_NUMBERS = 100_000  # of the latest SUBMITs that are remembered
MOST_OF_A_SUBMIT = 99


class GroupWay(StrEnum):
    """`both`: not known yet, so that each message has a certain and a derived name."""

    BOTH = "both"
    CONSECUTIVE = "consecutive"
    ONE = "one"


def canonical(number: str) -> str:
    """Return one spelling of a number.

    Gateways may report it with or without the country's code.
    """
    digits = number.removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits


def following(message: int, n: int) -> int:
    """Return the n-th id after this one. Its last 16 bits are a wrapping counter."""
    return message & ~0xFFFF | (message + n) & 0xFFFF


class GroupIds:
    """The latest SUBMITs of an account, and what they tell. Several threads use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._way, self._is_nameless = GroupWay.BOTH, False
        self._sent: OrderedDict[int, tuple[str, ...]] = OrderedDict()
        self._numbers = 0
        self._awaited: Counter[str] = Counter()  # numbers of SUBMITs without an answer
        self._lost: OrderedDict[str, None] = OrderedDict()  # of SUBMITs whose answer did not come

    @property
    def way(self) -> GroupWay:
        return self._way

    @property
    def is_nameless(self) -> bool:
        """True after a report without a number."""
        return self._is_nameless

    def know(self, way: GroupWay) -> None:
        """Take the way that an operator knows."""
        if way is not GroupWay.BOTH:
            self._way = way

    @contextmanager
    def awaiting(self, numbers: Sequence[str]) -> Iterator[None]:
        """Count these numbers as awaited. Reports may come before the answer to a SUBMIT."""
        names = Counter(map(canonical, numbers))
        with self._lock:
            self._awaited.update(names)
        try:
            yield
        except Exception:
            with self._lock:
                self._lose(names)
            raise
        finally:
            with self._lock:
                self._awaited -= names

    def _lose(self, names: Iterable[str]) -> None:
        """Remember numbers of which nobody knows if a SUBMIT reached the gateway."""
        self._lost.update(dict.fromkeys(names))
        while len(self._lost) > MOST_NUMBERS:
            self._lost.popitem(last=False)

    def note(self, message: int, numbers: Sequence[str]) -> None:
        """Remember the id that SUBMIT_RESP told."""
        with self._lock:
            if self._way is GroupWay.BOTH and self._position_of(message) is not None:
                self._way = GroupWay.ONE
            self._numbers += len(numbers) - len(self._sent.pop(message, ()))
            self._sent[message] = tuple(map(canonical, numbers))
            while self._numbers > MOST_NUMBERS:
                _, oldest = self._sent.popitem(last=False)
                self._numbers -= len(oldest)

    def _position_of(self, message: int) -> tuple[int, str] | None:
        """Return position and number, if an earlier group would have this id by the standard."""
        for n in range(1, MOST_OF_A_SUBMIT):
            group = self._sent.get(following(message, -n), ())
            if len(group) > n:
                return n, group[n]
        return None

    def only_number(self, message: int) -> str:
        """Return the number of a SUBMIT to one number, else an empty text.

        Only a report without a number asks for it. So learn that there are such reports.
        """
        with self._lock:
            self._is_nameless = True
            numbers = self._sent.get(message, ())
        return numbers[0] if len(numbers) == 1 else ""

    def is_undecided(self, message: int, number: str) -> bool:
        """Tell if a report may be of a SUBMIT whose answer has not come yet.

        Its id may then be told or derived, and a report without a number has none yet. Otherwise
        learn from the report, unless it may be of a SUBMIT whose answer was lost.
        """
        with self._lock:
            group, name = self._sent.get(message), canonical(number)
            if group is None and not name:
                return self._awaited.total() > 0
            if group is not None:
                if name in group[1:]:  # certain, whatever was learned before
                    self._way = GroupWay.ONE
                return False
            if self._way is not GroupWay.BOTH:
                return False
            if self._awaited[name]:
                return True
            derived = self._position_of(message)
            if derived is not None and derived[1] == name and name not in self._lost:
                self._way = GroupWay.CONSECUTIVE
            return False

    def may_be_derived(self, message: int) -> bool:
        """Tell if an id that no lookup has may be one that was derived."""
        with self._lock:
            return self._way is not GroupWay.ONE and message not in self._sent
