"""Fixtures of the tests of this folder."""

from __future__ import annotations

import pytest

from chalicelib.domain.groups import GROUPS, Family, Group
from tests.builders import SHOP, a_channel, an_access_channel
from tests.fakes.world import FakeWorld


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    fake.settings.put_channel(a_channel("push"))
    for family in (Family.LIST, Family.SEGMENT):
        for number in range(10):
            fake.records.of(GROUPS[family]).put(
                Group(
                    family, number, SHOP, f"{number}", "black" if family is Family.LIST else "file"
                )
            )
    return fake
