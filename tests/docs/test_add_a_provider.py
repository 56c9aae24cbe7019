"""The provider of docs/how-to/add-a-provider.md works with the sandbox of the same page."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web

from chalicelib.domain.errors import Invalid, Misconfigured, Throttled, Unavailable
from chalicelib.domain.provider_io import (
    Account,
    Capabilities,
    Loss,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
)
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from infra.demo import platforms
from infra.sandbox import server
from infra.sandbox.vendor import Options, application
from tests.liveness import eventually
from tests.providers import contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "add-a-provider.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROVIDER, REGISTRY, DEMO, SANDBOX = BLOCKS
MARK = "00c0ffee"


def module(name: str, source: str) -> ModuleType:
    made = ModuleType(name)
    sys.modules[name] = made
    exec(compile(source, f"{name} of the page", "exec"), made.__dict__)
    return made


def row(name: str, table: ModuleType) -> Any:
    """Return the value of the row `"heron": …,` that the page adds to a table of the module."""
    text = re.search(rf'`"heron": ({name}.*?),`', PAGE)
    assert text is not None
    return eval(text[1], table.__dict__)


@pytest.fixture(scope="module")
def page() -> Iterator[None]:
    """Everything that the page adds."""
    patch = pytest.MonkeyPatch()
    heron = module("infra.sandbox.heron", SANDBOX)
    module("chalicelib.providers.sms.heron", PROVIDER)
    patch.setattr(registry, "_PLATFORMS", dict(registry._PLATFORMS))
    for table, source in ((registry, REGISTRY), (platforms, DEMO)):
        names = dict(table.__dict__)
        exec(source, names)
        patch.setattr(table, "_heron", names["_heron"], raising=False)
    patch.setitem(platforms.PLATFORMS, "heron", row("AtSandbox", platforms))  # type: ignore[arg-type]
    patch.setitem(server.ACCOUNT_DEFAULTS, heron.NAME, heron.ACCOUNT_DEFAULTS)
    yield
    patch.undo()
    for name in ("infra.sandbox.heron", "chalicelib.providers.sms.heron"):
        del sys.modules[name]


@pytest.fixture(scope="module")
def account(page: None) -> Iterator[Account]:
    """An account at the page's sandbox, which runs in a thread."""
    loop = asyncio.new_event_loop()
    core = server.new_core(Options())
    heron = sys.modules["infra.sandbox.heron"].Heron(core)
    app = web.Application()
    app.add_subapp("/heron", application(heron, core.log))
    runner = web.AppRunner(app)

    async def start() -> int:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sending.append(loop.create_task(core.receipts.run()))
        return int(runner.addresses[0][1])

    sending: list[asyncio.Task[None]] = []
    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = {"sandbox_url": f"http://127.0.0.1:{port}"}
    made = platforms.PLATFORMS["heron"].make(stack, "heron1", MARK)
    core.accounts.register({**(made.account or {}), "provider": "heron"})
    yield Account("heron1", made.credentials, made.options)
    sending[0].cancel()
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    asyncio.run_coroutine_threadsafe(core.outbox.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def provider() -> Any:
    means = registry.ProviderDeps(Policy(("127.0.0.1",)), 5.0, registry.ALONE)
    return registry.make("heron", means)


def call(*words: str) -> OutgoingCall:
    contacts = [platforms.contact("sms", MARK, n, word) for n, word in enumerate(words)]
    return OutgoingCall("m1", [Recipient(contact, {"content": "Hello"}) for contact in contacts])


def test_a_refused_contact_leaves_the_others_and_their_receipts_are_polled(
    account: Account,
) -> None:
    with provider().connect(account) as session:
        session.check()
        sent, refused, lost = session.send(call("deliver", "reject", "undelivered")).outcomes
        receipts: list[Receipt] = []
        eventually(lambda: receipts.extend(session.poll({})) or len(receipts) == 2)
    assert (refused.loss, refused.undeliverable) == (Loss.INVALID_TARGET, True)
    assert {receipt.provider_id: receipt.kind for receipt in receipts} == {
        sent.provider_id: ReceiptKind.DELIVERED,
        lost.provider_id: ReceiptKind.DELIVERY_FAILED,
    }


@pytest.mark.parametrize(("word", "kind"), [("throttle", Throttled), ("flaky", Unavailable)])
def test_a_call_that_was_not_taken_can_be_repeated(
    account: Account, word: str, kind: type[Exception]
) -> None:
    with provider().connect(account) as session:
        with pytest.raises(kind):
            session.send(call(word))
        assert session.send(call(word)).outcomes[0].loss is None


def test_a_wrong_password_is_for_the_operator(account: Account) -> None:
    wrong = Account("heron1", {**account.credentials, "password": "other"}, account.options)
    with provider().connect(wrong) as session, pytest.raises(Misconfigured):
        session.check()


def test_settings_and_contents_are_checked(page: None) -> None:
    login = {"account": "a", "password": "p"}
    provider().check_credentials(login, {})
    provider().check_content({"content": "Hello {{name}}"})
    for bad in ({**login, "pasword": "p"}, {"account": "a"}):
        with pytest.raises(Invalid):
            provider().check_credentials(bad, {})
    with pytest.raises(Invalid):
        provider().check_content({"content": "x" * 501})


def test_the_row_of_the_contract_suite_is_one(page: None) -> None:
    assert isinstance(row("Entry", contract), contract.Entry)


def test_the_page_names_every_capability() -> None:
    table = PAGE.split("### Capabilities")[1].split("### Checks")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == {item.name for item in fields(Capabilities)}


def test_every_file_that_the_page_changes_is_there() -> None:
    table = PAGE.split("| file | change |")[1].split("\n\n")[0]
    files = re.findall(r"^\| `([\w./-]+)` \| (new)?", table, re.MULTILINE)
    assert f"It touches {len(files)} files: {sum(bool(new) for _, new in files)} new ones" in PAGE
    assert [path for path, new in files if (ROOT / path).exists() == bool(new)] == []
