"""The API behind each of its doors: HTTP API, REST API, and function URLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import requests

from infra.demo.client import Api, Shop
from tests.journeys.conftest import finished
from tests.journeys.test_channels import APP


@pytest.fixture(scope="module")
def outputs(aws: Any) -> Mapping[str, str]:
    described = aws.client("cloudformation").describe_stacks(StackName="openums-test")
    return {out["OutputKey"]: out["OutputValue"] for out in described["Stacks"][0]["Outputs"]}


@pytest.fixture(scope="module")
def rest_url(stack: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
    """Return the address of the REST API at the emulator."""
    return f"{stack['emulator_url']}/restapis/{outputs['RestAPIId']}/api/_user_request_"


def test_the_door_is_an_http_api(stack: Mapping[str, Any]) -> None:
    answer = requests.get(stack["api_url"] + "/openapi.json", timeout=30)
    assert answer.headers["apigw-requestid"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["openapi"].startswith("3.")


def test_the_console_is_there_with_and_without_a_slash_behind_it(
    stack: Mapping[str, Any],
) -> None:
    console = f"{stack['api_url']}/console"
    pages = [requests.get(console + end, timeout=30) for end in ("", "/")]
    assert {(page.status_code, page.url) for page in pages} == {(200, f"{console}/sign-in")}


def test_an_old_address_of_the_rest_api_still_sends(shop: Shop, rest_url: str) -> None:
    user = shop.user("old", app=[f"{shop.mark}-old"])
    shop.upload([user])
    old = Api(rest_url, shop.api.pair)
    msgid = old.send([user["userid"]], shop.template(**APP), {"name": "Ann"})
    finished(shop, msgid, delivered=1)
    assert old.message(msgid)["msgid"] == msgid
    unknown = requests.get(rest_url + "/v1/nothing", timeout=30)
    assert (unknown.status_code, unknown.json()["code"]) == (404, 4004)


def test_receipts_come_by_a_function_of_their_own(shop: Shop, stack: Mapping[str, Any]) -> None:
    user = shop.user("receipts", app=[f"{shop.mark}-receipts"])
    shop.upload([user])
    webhook = shop.channels["app"]["webhook_url"]
    assert webhook.startswith(stack["emulator_url"] + "/_aws/lambda-url/")
    msgid = shop.api.send([user["userid"]], shop.template(**APP), {"name": "Ann"})
    finished(shop, msgid, delivered=1)


def test_senders_reach_the_api_by_its_functions_url(
    shop: Shop, stack: Mapping[str, Any], outputs: Mapping[str, str]
) -> None:
    user = shop.user("url", app=[f"{shop.mark}-url"])
    shop.upload([user])
    by_url = Api(outputs["SendersUrl"].rstrip("/"), shop.api.pair)
    msgid = by_url.send([user["userid"]], shop.template(**APP), {"name": "Ann"})
    finished(shop, msgid, delivered=1)
    assert by_url.message(msgid)["msgid"] == msgid
    for path in ("/admin/v1/access-channels", "/docs", "/console/login"):
        hidden = requests.get(by_url.url + path, auth=shop.admin.pair, timeout=30)
        assert (hidden.status_code, hidden.json()["code"]) == (404, 4004)
