"""Tables in a narrow window, in Chromium with the console's own script and sheet."""

from __future__ import annotations

from typing import Any

from chalicelib.console import assets
from tests.journeys.visitor import browser as browser
from tests.journeys.visitor import needs_chromium

pytestmark = needs_chromium

WIDE = "a value of many words that stands in one line " * 3
HEAD = "<thead><tr><th>Name</th><th>State</th><th>Why</th></tr></thead>"


def table(id: str, rows: str) -> str:
    return (
        f'<div class="tbl-w"><table class="tbl" id="{id}">{HEAD}<tbody>{rows}</tbody></table></div>'
    )


def row(*cells: str) -> str:
    inner = "".join(f'<td class="nw">{cell}</td>' for cell in cells)
    return f"<tr>{inner}</tr>"


def opened(browser: Any, body: str) -> Any:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_content(f"<!doctype html><body>{body}</body>")
    files = assets.manifest()["files"]
    page.add_style_tag(path=assets.STATIC / files["console.css"])
    page.add_script_tag(path=assets.STATIC / files["console.js"])
    return page


def labels(page: Any, id: str) -> list[str]:
    cells = page.locator(f"#{id} td[data-l]")
    return [cell.get_attribute("data-l") for cell in cells.all()]


def test_rows_that_come_later_are_cards_with_names_too(browser: Any) -> None:
    page = opened(browser, table("t", row("x", WIDE, "")))
    assert labels(page, "t") == ["State"]
    page.evaluate(
        """rows => {
            document.querySelector('#t tbody').outerHTML = `<tbody>${rows}</tbody>`;
            document.dispatchEvent(new Event('htmx:after:swap'));
        }""",
        row("x", "sent", "because"),
    )
    assert labels(page, "t") == ["State", "Why"]


def test_a_table_within_details_and_dialogs_becomes_cards_when_it_is_seen(browser: Any) -> None:
    inner = table("t", row("x", WIDE, "y"))
    page = opened(browser, f"<details><summary>Table</summary>{inner}</details>")
    page.click("summary")
    page.wait_for_selector("#t.cards-sm")
    assert labels(page, "t") == ["State", "Why"]
    button = '<button data-dialog="#d">open</button>'
    page = opened(browser, f'{button}<dialog id="d">{inner}</dialog>')
    page.click("button")
    page.wait_for_selector("#t.cards-sm")
