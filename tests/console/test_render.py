"""Templates of pages."""

from __future__ import annotations

from chalicelib.console import render


def test_a_template_is_compiled_once_for_all_languages() -> None:
    english, chinese = (
        render.environment(language).get_template("layout.html").root_render_func.__code__
        for language in ("en", "zh")
    )
    assert english is chinese
