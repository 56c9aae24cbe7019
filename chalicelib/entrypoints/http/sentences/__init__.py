"""Sentences of the inside in Chinese, by their English templates.

They are imported when a request is first refused, so that a cold start does not pay for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib.domain.sentences import Sentence, joined
from chalicelib.entrypoints.http.language import Language, Text


def chinese() -> Iterator[Mapping[str, str]]:
    """Yield the tables of sentences."""
    from chalicelib.entrypoints.http.sentences import providers, rules

    yield rules.CHINESE
    yield providers.CHINESE


def text_of(sentence: str) -> Text:
    """Return a sentence in both languages. One that is not known is English only."""
    template, values = sentence, dict[str, object]()
    if isinstance(sentence, Sentence):
        template, values = sentence.template, dict(sentence.values)
    known = next((table[template] for table in chinese() if template in table), "")
    return Text(str(sentence), _filled(known, values) if values else known)


def filled(text: Text, values: Mapping[str, object]) -> Text:
    """Return a text with its braces filled. A list is joined as each language does it."""
    return Text(text.english.format_map(joined(values, ", ")), _filled(text.chinese, values))


def _filled(template: str, values: Mapping[str, object]) -> str:
    return template.format_map(joined({k: _said(v) for k, v in values.items()}, "、"))


def _said(value: object) -> object:
    """Return a value as it stands in a Chinese text. A sentence is put into Chinese."""
    return text_of(value).in_language(Language.CHINESE) if isinstance(value, Sentence) else value
