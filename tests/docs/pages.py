"""Pages of the documents, and their sections."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = {page.stem: page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md")}


def section(page: str, title: str) -> str:
    """Return the text below a heading of the second level."""
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]
