"""Bring the console's catalogue up to date: `python -m infra.console.catalogue`.

English texts are the keys. The command adds new ones to zh.po, without a translation, and removes
those that no page has any more. A test fails while one is not translated.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from infra.console.build import CONSOLE

PO = CONSOLE / "locales" / "zh.po"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {
    "**.html": {"extensions": "jinja2.ext.do", "trim_blocks": "true", "lstrip_blocks": "true"}
}
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "say": None,
    "ngettext": (1, 2),
    "say_many": (1, 2),
}


def extract() -> Catalog:
    """Return a catalogue of every text in the console's pages and modules."""
    catalogue = Catalog(locale="zh", project="openums")
    found = extract_from_dir(
        str(CONSOLE), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
    )
    for _, _, message, _, _ in found:
        if message and message != ("", ""):
            catalogue.add(message)
    return catalogue


def stored(path: Path = PO) -> Catalog:
    if not path.is_file():
        return Catalog(locale="zh", project="openums")
    return read_po(io.BytesIO(path.read_bytes()), locale="zh")


def main() -> None:
    catalogue = stored()
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    PO.parent.mkdir(exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalogue, omit_header=True, sort_output=True, no_location=True, width=100)
    missing = [str(message.id) for message in catalogue if message.id and not message.string]
    print(f"{len(catalogue)} texts, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
