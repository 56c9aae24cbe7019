"""Fixtures of the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.entrypoints.workers.office import ACCOUNT
from tests.providers.sandboxes import Sandbox, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running("--late", "0.2", "--pace", "0.2") as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _fresh(sandbox: Sandbox) -> None:
    sandbox.clear()
    sandbox.register("cmpp", ACCOUNT)
