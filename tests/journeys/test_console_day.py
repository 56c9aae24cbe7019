"""A day of a new operator: from nothing to the figures, with the console alone."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain import reasons
from tests.journeys.visitor import Browser, Page, Visitor, needs_chromium
from tests.journeys.visitor import browser as browser

pytestmark = [pytest.mark.stack, needs_chromium]

PEOPLE = 10  # who get the message
LOOK = ("en", "light", "desktop")
PASSWORD = "a password of my own"


def test_a_new_operator_sets_up_sends_after_a_review_watches_and_withdraws(
    browser: Browser, stack: Mapping[str, Any], tmp_path: Path
) -> None:
    day = Day(Visitor(browser, stack, LOOK), stack)
    day.set_up()
    day.upload_users(tmp_path)
    day.leave_some_out()
    day.write()
    reviewer = Visitor(browser, stack, LOOK, day.require_a_review())
    day.simulate_and_send()
    approve(reviewer, day.key)
    day.watch()
    for who, answer in day.answers().items():
        day.page.goto(f"{day.url}/messages/{day.msgid}/people/{day.mark}-{who}")
        assert answer in day.page.inner_text("main"), who
    day.withdraw()
    assert day.export().startswith("time,requests,")
    assert not day.visitor.complaints + reviewer.complaints
    for visitor in (day.visitor, reviewer):
        visitor.context.close()


def approve(reviewer: Visitor, key: str) -> None:
    """Change the first password, and approve what waits."""
    page: Page = reviewer.page
    page.fill("#f-old", reviewer.login[1])
    page.fill("#f-password", PASSWORD)
    page.fill("#f-again", PASSWORD)
    page.click("text=Change the password")
    reviewer.go(f"/c/{key}/review")
    page.click("main a.rl")
    page.click("text=Approve")
    page.wait_for_selector("text=Approved.")


class Day:
    """The pages that the operator visits, one after the other."""

    def __init__(self, visitor: Visitor, stack: Mapping[str, Any]) -> None:
        self.visitor, self.page, self.stack = visitor, visitor.page, stack
        self.mark = str(time.time_ns())[-8:]
        self.key = self.msgid = ""

    @property
    def url(self) -> str:
        return f"{self.visitor.url}/c/{self.key}"

    def set_up(self) -> None:
        """Create an access channel, and two delivery channels that it may use."""
        self.visitor.go("/access/new")
        self.page.fill("#f-name", f"day {self.mark}")
        self.page.click("text=Create it")
        self.page.click("text=I have saved it")
        self.key = self.page.url.rsplit("/", 1)[1]
        self._add(
            "jpush", "app", {"credentials-app_key": self.mark, "options-base_url": self.jpush}
        )
        port = str(self.stack["sandbox_smtp"]["smtp"])
        mail = {"options-server": "127.0.0.1", "options-sender": "a@example.com"}
        self._add("smtp", "mail", {**mail, "options-port": port})
        self.visitor.go(f"/access/{self.key}")
        for code in ("app", "mail"):
            self.page.click(f"tr:has-text('{code}{self.mark}') button:has-text('Authorise')")
            self.page.wait_for_selector("text=The authorisation is changed.")

    @property
    def jpush(self) -> str:
        return f"{self.stack['sandbox_url']}/jpush"

    def _add(self, platform: str, code: str, fields: Mapping[str, str]) -> None:
        self.visitor.go(f"/channels/new?platform={platform}")
        for name in ("name", "code"):
            self.page.fill(f"#f-{name}", f"{code}{self.mark}")
        for name, value in fields.items():
            self.page.fill(f"#f-{name}", value)
        if platform == "smtp":
            self.page.select_option("#f-options-encryption", "none")
        else:
            self.page.fill("#f-credentials-master_secret", self.mark)
        self.page.click("button:has-text('Add the delivery channel')")
        self.page.wait_for_selector("text=The delivery channel is added")

    def upload_users(self, folder: Path) -> None:
        names = [*map(str, range(PEOPLE)), "reject", "black", "gone"]
        rows = [f"{self.mark}-{n},{self.mark}-{n}@example.com,new" for n in names]
        file = folder / "users.csv"
        file.write_text("\n".join(["userid,email,tag", *rows, f"{self.mark}-none,,new"]) + "\n")
        self.page.goto(f"{self.url}/imports/new")
        self.page.select_option("#f-format", "csv")
        self.page.click("button:has-text('Go on')")
        self.page.set_input_files("#file", str(file))
        self.page.click("text=Upload and import")
        self.page.wait_for_selector("text=Every row was imported.")

    def leave_some_out(self) -> None:
        """Put one person on a blacklist, and suppress the address of another."""
        self.page.goto(f"{self.url}/lists/black")
        self.page.fill("#f-name", "staff")
        self.page.click("main form >> text=Add")
        self.page.fill("#f-add", f"{self.mark}-black")
        self.page.click("main form:has(#f-add) button:has-text('Add')")
        self.page.wait_for_selector(f"text={self.mark}-black")
        self.page.goto(f"{self.url}/suppressions")
        self.page.select_option("#f-type", "email")
        self.page.fill("#f-contacts", f"{self.mark}-gone@example.com")
        self.page.click("text=Suppress them")
        self.page.wait_for_selector("text=The contacts are suppressed.")

    def write(self) -> None:
        """Write a template for mails and pushes, and a strategy: a push, then a mail."""
        self.page.goto(f"{self.url}/templates/new")
        self.page.fill("#f-name", "hello")
        self.page.uncheck("input[name=types][value=sms]")
        for kind in ("email", "app"):
            self.page.check(f"input[name=types][value={kind}]")
        self.page.click("text=Show the chosen ones")
        self.page.fill("#f-c-email-subject", "Hello {{name}}")
        self.page.fill("#f-c-email-text", "Hello {{name}}, welcome")
        self.page.fill("#f-c-app-alert", "Hello {{name}}")
        self.page.wait_for_selector("#previews >> text=Hello {{name}}, welcome")
        self.page.click("button[value=save]")
        self.page.wait_for_selector("text=Saved.")
        self.page.goto(f"{self.url}/strategies/new")
        self.page.fill("#f-name", "push, then mail")
        self.page.click("button[value='drop:1:sms']")
        self._take("1", "email")
        self.page.click("button[value=save]")
        self.page.wait_for_selector("text=Saved.")

    def _take(self, step: str, kind: str) -> None:
        """Take a channel type into a step of the strategy."""
        self.page.wait_for_selector("input[name='s1.channels']", state="detached")
        self.page.select_option(f"select[name='s{step}.add']", kind)
        self.page.click(f"button[value='add:{step}']")
        self.page.wait_for_selector(
            f"input[name='s{step}.channels'][value={kind}]", state="attached"
        )

    def require_a_review(self) -> tuple[str, str]:
        """Add a reviewer, without whom nothing is sent. Return the login and its password."""
        login = f"rev{self.mark}"
        self.visitor.go("/members/new")
        self.page.fill("#f-name", f"reviewer {self.mark}")
        self.page.fill("#f-login", login)
        self.page.check("input[name=role][value=reviewer]")
        self.page.click("button:has-text('Add the member')")
        self.page.wait_for_selector("text=Shown only now")
        password = self.page.locator(".secret code").nth(2).inner_text()
        self.page.goto(f"{self.url}/review/settings")
        self.page.select_option("select[name=origin]", "console")
        self.page.check(f"label:has-text('reviewer {self.mark}') input[name=messages0]")
        self.page.click("text=Save")
        self.page.wait_for_selector("text=Saved.")
        return login, password

    def simulate_and_send(self) -> None:
        self.page.goto(f"{self.url}/send")
        names = [*map(str, range(PEOPLE)), *self.answers()]
        self.page.fill("#f-userids", ", ".join(f"{self.mark}-{name}" for name in names))
        self.page.select_option("#rule", label="push, then mail")
        self.page.select_option("#list", label="without the blacklist: staff")
        self.page.fill("#f-v-name", "Li")
        self.page.press("#f-v-name", "Tab")
        self.page.wait_for_selector("#sim >> text=4 are left out")
        self.page.click("text=Check and send…")
        self.page.click("dialog[open] #go")
        self.page.wait_for_selector("text=The message waits for its review.")
        found = re.search(r"/review/([0-9a-z]{16})", self.page.content())
        assert found is not None
        self.msgid = found[1]

    def answers(self) -> Mapping[str, str]:
        """Return why five people do not get the message, as the console says it."""
        losses = {"nobody": "unknown_user", "none": "no_contact"}
        losses |= {"black": "blacklisted", "gone": "suppressed"}
        answers = {who: f"Not sent: {reasons.of_loss(loss).en}" for who, loss in losses.items()}
        return {**answers, "reject": "Not sent: the provider of E-mail"}

    def watch(self) -> None:
        """Wait until everybody else has the message, while the page refreshes itself."""
        self.page.goto(f"{self.url}/messages/{self.msgid}")
        reached = f"tr.st:has-text('Delivered') td.n:text-is('{PEOPLE}')"
        self.page.wait_for_selector(reached)

    def withdraw(self) -> None:
        self.page.goto(f"{self.url}/messages/{self.msgid}")
        self.page.click("text=Withdraw >> nth=0")
        self.page.click("dialog[open] button.solid")
        self.page.wait_for_selector("text=The message is withdrawn.")

    def export(self) -> str:
        """Return the exported file. Its figures come half a minute after a send at the latest."""
        self.page.goto(f"{self.url}/stats/messages")
        with self.page.expect_download() as download:
            self.page.click("text=Export")
        return Path(download.value.path()).read_text("utf-8-sig")
