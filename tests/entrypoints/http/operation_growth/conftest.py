"""Delivery channels and users of Operation Growth's label guide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.domain.users import User
from tests.entrypoints.conftest import Api
from tests.entrypoints.http.operation_growth.contacts import APP_ID, SMS_ID


@pytest.fixture
def growth(configured: Api) -> Api:
    """App and SMS with the numbers of the label guide, each with another label, and two users."""
    for code, number, more in (("app1", APP_ID, "Work Phone"), ("sms1", SMS_ID, "工作电话")):
        channel = configured.fake.records.of(DELIVERY_CHANNELS).stored[code]
        configured.fake.records.of(DELIVERY_CHANNELS).stored[code] = replace(
            channel, number=number, labels={**channel.labels, "2": more}
        )
    configured.fake.users.has(User("10362819"), User("103629"))
    return configured
