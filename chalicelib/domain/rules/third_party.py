"""Check what a content gives to a third-party template: every field, and values of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.domain.errors import Invalid
from chalicelib.domain.templates import placeholders
from chalicelib.domain.third_party import Field, Registered, Sort, Use, ValueKind


def check(use: Use, registered: Registered, kinds: Mapping[str, ValueKind]) -> None:
    """Raise Invalid with the field of the content that the provider would refuse."""
    if use.sort is not None and registered.sort is not use.sort:
        raise Invalid(use.field, f"is a {registered.sort} at the provider, not a {use.sort}")
    if use.values is None:
        return
    names = [field.name for field in registered.fields]
    for name in names:
        if not use.values.get(name) and _must_have(name, registered):
            reason = f"is required by the third-party template {registered.title!r}"
            raise Invalid(use.path(name), reason)
    for name in use.values:
        if names and name not in names:
            reason = f"is not a field of {registered.title!r}, which has: {', '.join(names)}"
            raise Invalid(use.path(name), reason)
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
        raise Invalid(path, "must be one of " + ", ".join(field.allowed[:20]))
    kind = kinds.get(field.kind)
    if kind is not None and not field.allowed and (reason := refusal(kind, value)):
        raise Invalid(path, reason)


def refusal(kind: ValueKind, value: str) -> str:
    """Return why a text is not of a kind, or an empty text."""
    if len(value) > kind.limit:
        return f"must have at most {kind.limit} characters: {kind.words}"
    return "" if kind.fits(value) else f"must be {kind.words}"


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
