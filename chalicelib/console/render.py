"""Templates of pages: one environment for each language, with what every page uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from chalicelib.console import assets, contents, labels
from chalicelib.console.texts import catalogue

HERE = Path(__file__).resolve().parent
FOLDERS = (HERE / "pages", HERE / "components")


class _Compiled(BytecodeCache):
    """The code of templates, which is the same in all languages."""

    def __init__(self) -> None:
        self._codes: dict[str, Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.code


_COMPILED = _Compiled()


@cache
def environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    made.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(icon=icon, bar=bar, asset=assets.address, data=data, L=labels, C=contents)
    made.filters["attributes"] = attributes
    return made


def attributes(values: Mapping[str, Any]) -> Markup:
    """Write attributes of an element. True is an attribute without a value, False none at all."""
    parts = [
        Markup("{}").format(name) if value is True else Markup('{}="{}"').format(name, value)
        for name, value in values.items()
        if value not in (None, False)
    ]
    return Markup(" ").join(parts)


def icon(name: str, kind: str = "") -> Markup:
    """Draw an icon of the sprite. Raise KeyError for an icon that the build did not see."""
    if name not in assets.manifest()["icons"]:
        raise KeyError(f"no icon {name}")
    drawn = Markup('<svg class="i {}" aria-hidden="true"><use href="{}#{}"/></svg>')
    return drawn.format(kind, assets.address("icons.svg"), name)


def bar(part: float, whole: float, stage: str = "", kind: str = "") -> Markup:
    """Draw a share as a bar. Its width is an attribute, which the policy allows."""
    width = 0.0 if not whole else max(0.0, min(100.0, part / whole * 100))
    rect = Markup('<rect class="{}" width="{:.2f}%" height="100%"/>').format(stage, width)
    return Markup('<svg class="bar {}" aria-hidden="true">{}</svg>').format(kind, rect)


def data(id: str, value: Any) -> Markup:
    """Write data for a script: a `<script>` with JSON, in which no `<` can end the element."""
    text = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    safe = Markup(text)  # noqa: S704 it has no `<` any more
    return Markup('<script type="application/json" id="{}">{}</script>').format(id, safe)
