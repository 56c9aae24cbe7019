"""A person at a browser: Debian's Chromium, steered by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.liveness import PATIENCE

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium")
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}

Browser = Any
Page = Any


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Visitor:
    """A person at a browser, who notes everything that a browser complains of.

    Without a name and a password it is whoever has the deployment's global key.
    """

    def __init__(
        self,
        browser: Browser,
        stack: Mapping[str, Any],
        look: tuple[str, str, str],
        login: tuple[str, str] | None = None,
    ):
        self.url = f"{stack['api_url']}/console"
        language, theme, size = look
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            color_scheme=theme,
        )
        self.context.set_default_timeout(PATIENCE * 1000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.login = login or (stack["access_key"], stack["access_secret"])
        self._sign_in(*self.login)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _sign_in(self, name: str, password: str) -> None:
        self.page.goto(f"{self.url}/sign-in")
        self.page.fill("#u", name)
        self.page.fill("#p", password)
        self.page.click("main button[type=submit]")
        self.page.wait_for_selector(".side, .burger", state="attached")

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)
