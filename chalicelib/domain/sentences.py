"""Sentences for people, as the inside makes them: in English, with values that fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Sentence(str):
    """A sentence with its template and values, by which entrypoints find it in Chinese.

    Braces of a template are filled, unless there are no values.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Sentence:
        text = template.format_map(joined(values, ", ")) if values else template
        sentence = super().__new__(cls, text)
        sentence.template, sentence.values = template, values
        return sentence

    @classmethod
    def of(cls, text: str, values: Mapping[str, object]) -> Sentence:
        """Return a text as a sentence. One that is a sentence already stays as it is."""
        return text if isinstance(text, Sentence) else cls(text, **values)


def joined(values: Mapping[str, object], comma: str) -> dict[str, str]:
    """Return values as texts. The parts of a list have a comma between them."""
    return {name: _text(value, comma) for name, value in values.items()}


def _text(value: object, comma: str) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return comma.join(str(part) for part in value)
    return str(value)
