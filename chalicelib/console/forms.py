"""Forms: what was typed, as texts, numbers, lists and choices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence


class Form:
    """The fields of a form. Blanks around a text are not meant, except in long texts."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields = fields

    def __bool__(self) -> bool:
        return bool(self.fields)

    def text(self, name: str, default: str = "") -> str:
        values = self.fields.get(name)
        return values[-1].strip() if values else default

    def raw(self, name: str, default: str = "") -> str:
        """Return a long text as it was typed, with line ends as everybody has them."""
        values = self.fields.get(name)
        return values[-1].replace("\r\n", "\n") if values else default

    def many(self, name: str) -> list[str]:
        return [value for value in self.fields.get(name, ()) if value]

    def flag(self, name: str) -> bool:
        return name in self.fields

    def number(self, name: str) -> int | str | None:
        """Return a number, or the text as it is, which the API refuses with its reason."""
        text = self.text(name).replace(",", "").replace("，", "")
        return number_of(text) if text else None

    def amount(self, name: str) -> float | str | None:
        """Return an amount of money, or the text as it is, which the API refuses."""
        text = self.text(name).replace(",", "").replace("，", "")
        return amount_of(text) if text else None

    @property
    def version(self) -> int:
        """The version that the form was made from. 0: no stored thing has this version."""
        number = self.number("version")
        return number if isinstance(number, int) else 0

    def column(self, name: str) -> Sequence[str]:
        """Return a field of every row of a form, empty ones too."""
        return [value.strip() for value in self.fields.get(name, ())]

    def lines(self, name: str) -> list[str]:
        """Return what stands on lines of its own, or between commas."""
        return lines_of(self.raw(name))

    def under(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Yield the fields whose names begin with a prefix, without it."""
        for name in self.fields:
            if name.startswith(prefix):
                yield name.removeprefix(prefix), self.raw(name)


def lines_of(text: str) -> list[str]:
    """Return the parts of a text on lines of their own, or between commas, each once."""
    parts = re.split(r"[\n,，、;；]", text)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def number_of(text: str) -> int | str:
    """Read a whole number, or return the text as it is."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII) else text


def amount_of(text: str) -> float | str:
    """Read an amount of money, or return the text as it is."""
    return float(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", text, re.ASCII) else text
