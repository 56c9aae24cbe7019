"""Check what a content gives to a third-party template: every field, and values of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.domain.errors import Invalid
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.templates import placeholders
from chalicelib.domain.third_party import Field, Registered, Sort, Use, ValueKind


def check(use: Use, registered: Registered, kinds: Mapping[str, ValueKind]) -> None:
    """Raise Invalid with the field of the content that the provider would refuse."""
    if use.sort is not None and registered.sort is not use.sort:
        reason = "is a {registered} at the provider, not a {used}"
        raise Invalid(
            use.field, reason, registered=Sentence(registered.sort), used=Sentence(use.sort)
        )
    if use.values is None:
        return
    names = [field.name for field in registered.fields]
    for name in names:
        if not use.values.get(name) and _must_have(name, registered):
            reason = "is required by the third-party template '{title}'"
            raise Invalid(use.path(name), reason, title=registered.title)
    for name in use.values:
        if names and name not in names:
            reason = "is not a field of '{title}', which has: {names}"
            raise Invalid(use.path(name), reason, title=registered.title, names=names)
    for field in registered.fields:
        check_value(use.path(field.name), use.values.get(field.name, ""), field, kinds)


def _must_have(name: str, registered: Registered) -> bool:
    """Tell if a field must have a value. A template message may leave its frame empty."""
    return registered.sort is not Sort.MESSAGE or name not in ("first", "remark")


def check_value(path: str, value: str, field: Field, kinds: Mapping[str, ValueKind]) -> None:
    """Raise Invalid for a value that its kind does not allow. A placeholder's value comes later."""
    if not value or placeholders(value):
        return
    if field.allowed and value not in field.allowed:
        raise Invalid(path, "must be one of {allowed}", allowed=field.allowed[:20])
    kind = kinds.get(field.kind)
    if kind is not None and not field.allowed and (reason := refusal(kind, value)):
        raise Invalid(path, reason)


def refusal(kind: ValueKind, value: str) -> Sentence | None:
    """Return why a text is not of a kind, or None."""
    if len(value) > kind.limit:
        reason = "must have at most {most} characters: {kind}"
        return Sentence(reason, most=kind.limit, kind=Sentence(kind.words))
    return None if kind.fits(value) else Sentence("must be {kind}", kind=Sentence(kind.words))


def shown(registered: Iterable[Registered], uses: Iterable[Use]) -> str:
    """Return what people see: a signature, then the text with its values."""
    by_id = {(each.sort.family, each.id): each for each in registered}
    parts: list[str] = []
    for use in uses:
        known = by_id.get((use.family, use.id))
        if known is None:
            continue
        if known.sort is Sort.SIGNATURE:
            parts.insert(0, f"【{known.title}】")
        else:
            parts.append(_filled(known, use.values or {}))
    return "".join(parts)


def _filled(registered: Registered, values: Mapping[str, str]) -> str:
    """Return the text of a template with values in the place of its fields."""
    text = registered.text
    for name, value in values.items():
        for written in (f"{{{{{name}.DATA}}}}", f"{{{{{name}}}}}"):
            text = text.replace(written, value)
    return text
