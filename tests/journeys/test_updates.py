"""A deployed stack is updated in place and back, while senders go on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.demo.client import Shop
from infra.local import deployment
from infra.local.emulators import emulator_of
from infra.local.stack import parameters
from infra.package import HERE, ROOT
from tests.journeys.conftest import STACK, finished
from tests.liveness import eventually

pytestmark = [pytest.mark.alone, pytest.mark.packages]  # it replaces every function

VALUES = {"name": "Ann"}


def packaged(source: Path) -> Path:
    command = [sys.executable, "-m", "infra.package", "--stage", STACK.stage, "--target", HERE]
    command += ["--source", str(source)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Path(ended.stdout.splitlines()[-1])


def another_version(folder: Path) -> Path:
    """Copy the sources, with one module changed."""
    for name in ("chalicelib", ".chalice"):
        leave = shutil.ignore_patterns("__pycache__", "deployments")
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copy(ROOT / "app.py", folder / "app.py")
    module = folder / "chalicelib" / "config.py"
    module.write_text(module.read_text() + "\nANOTHER_VERSION = True\n")
    return folder


def deploy(package: Path, stack: Mapping[str, Any]) -> None:
    emulator = emulator_of(STACK)
    template = {**parameters(STACK, emulator), "PublicUrl": stack["api_url"]}
    package = emulator.package(STACK, package)
    deployment.deploy(stack["emulator_url"], STACK.stage, package, template, stack)


class Senders:
    """Single sends one after the other. Each is repeated under its key until it is accepted."""

    def __init__(self, shop: Shop, template: int) -> None:
        self.accepted: dict[str, str] = {}  # user -> msgid
        self.codes: list[int] = []
        self._shop, self._template = shop, template
        self._is_over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._is_over.is_set():
            userid = f"{self._shop.mark}_{number}"
            self.accepted[userid] = eventually(lambda user=userid: self._send(user))
            number += 1

    def _send(self, userid: str) -> str:
        """Return the message's id, or nothing if it was not accepted."""
        body = {
            "aud_userid": [userid],
            "template_id": self._template,
            "template_para": VALUES,
            "app_para": {"platform": "all"},
        }
        try:
            answer = requests.post(
                f"{self._shop.api.url}/v1/template/sent",
                json=body,
                auth=self._shop.api.pair,
                headers={"Idempotency-Key": userid},
                timeout=30,
            )
        except requests.RequestException:
            return ""
        self.codes.append(answer.status_code)
        return str(answer.json()["msgid"]) if answer.ok else ""

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            eventually(lambda: len(self.accepted) >= 5)
            yield
            known = len(self.accepted)
            eventually(lambda: len(self.accepted) >= known + 5)
        finally:
            self._is_over.set()
            thread.join()


def test_an_update_and_the_way_back_lose_and_double_nothing(
    stack: Mapping[str, Any], tmp_path: Path
) -> None:
    shop = Shop(stack, kinds=("app",))
    people = [f"{shop.mark}_{n}" for n in range(2000)]
    for start in range(0, len(people), 1000):
        some = people[start : start + 1000]
        shop.upload([shop.user(name, app=[f"reg{name}"]) for name in some])
    senders = Senders(shop, shop.template(app={"title": "t", "alert": "{{name}}"}))
    changed = packaged(another_version(tmp_path / "project"))
    with senders.going_on():
        deploy(changed, stack)
        after = len(senders.accepted)
        eventually(lambda: len(senders.accepted) >= after + 5)
        deploy(packaged(ROOT), stack)
    assert set(senders.codes) <= {200, 429, 502, 503}
    for msgid in senders.accepted.values():
        finished(shop, msgid, delivered=1)
    sends = shop.sandbox.sends("jpush")
    assert {sends.get(f"reg{userid}") for userid in senders.accepted} == {1}
