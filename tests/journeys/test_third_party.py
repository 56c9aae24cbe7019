"""Third-party templates of each vendor on the running stack, from their pages to a message."""

from __future__ import annotations

from typing import Any

import pytest

from infra.demo import third_party
from infra.demo.client import Shop
from tests.journeys.conftest import change, finished
from tests.liveness import eventually


@pytest.fixture(scope="module")
def shop(stack: dict[str, Any]) -> Shop:
    shop = Shop(stack, kinds=("sms", "wechatoa", "wechatmp", "alipay_life"))
    third_party.prepare(shop)
    return shop


def kept(shop: Shop, kind: str, what: str = "templates") -> dict[str, dict[str, Any]]:
    listed = shop.admin.ask("GET", f"/admin/v1/channels/{shop.code(kind)}/{what}")[what]
    return {each["id"]: each for each in listed}


def states(shop: Shop, kind: str) -> dict[str, str]:
    return {id: each["state"] for id, each in kept(shop, kind).items()}


def sent(shop: Shop, kind: str, content: dict[str, Any], number: int = 0) -> Any:
    contact = shop.contact(kind, number)
    body = {f"aud_{kind}": [{"data": [contact]}], f"msg_{kind}": [content]}
    return shop.api.call("POST", "/v1/sent", body)


def test_wechats_templates_are_refreshed_checked_and_found_gone(shop: Shop) -> None:
    assert states(shop, "wechatoa") == {"sent": "normal", "tpl1": "normal"}
    notice = {"type": 1, "template_id": "sent"}
    data = {"character_string1": {"value": "A-7"}, "thing2": {"value": "tea"}}
    refused = sent(shop, "wechatoa", {**notice, "data": {"thing2": {"value": "tea"}}})
    assert "data.character_string1.value" in refused.json()["message"]
    finished(shop, sent(shop, "wechatoa", {**notice, "data": data}).json()["msgid"])
    gone = {"app_id": shop.code("wechatoa"), "id": "sent", "delete": True}
    shop.sandbox.console("wechat", "template", **gone)
    msgid = sent(shop, "wechatoa", {**notice, "data": data}, 1).json()["msgid"]
    answer = finished(shop, msgid)
    assert "submit_failed:40037" in str(answer)
    eventually(lambda: states(shop, "wechatoa")["sent"], lambda state: state == "invalid")
    eventually(
        lambda: sent(shop, "wechatoa", {**notice, "data": data}, 2).json()["code"],
        lambda code: code == 1019008,
    )
    assert states(shop, "wechatoa")["tpl1"] == "normal"


def test_a_mini_programs_template_is_chosen_from_the_library(shop: Shop) -> None:
    third_party.asked(shop, "wechatmp", "library/sync")
    path = f"/admin/v1/channels/{shop.code('wechatmp')}/library"
    (title,) = shop.admin.ask("GET", f"{path}?text=发货")["titles"]
    third_party.asked(shop, "wechatmp", f"library/{title['id']}/keywords")
    keywords = shop.admin.ask("GET", f"{path}/{title['id']}")["keywords"]
    chosen = {"keywords": [each["number"] for each in keywords[:2]], "scene": "orders"}
    made = third_party.asked(shop, "wechatmp", f"library/{title['id']}/choose", chosen)
    fields = [field["name"] for field in kept(shop, "wechatmp")[made]["fields"]]
    assert fields == ["thing1", "amount2"]
    data = {"thing1": {"value": "tea"}, "amount2": {"value": "￥30.00"}}
    msgid = sent(shop, "wechatmp", {"template_id": made, "data": data}).json()["msgid"]
    assert finished(shop, msgid)["funnel"]["users"]["submitted"] == 1


def test_a_text_is_reviewed_changed_sent_and_deleted(shop: Shop) -> None:
    id = third_party.asked(shop, "sms", "templates", third_party.NOTICE)
    assert kept(shop, "sms")[id]["review"] == "in_review"
    third_party.decide(shop, temp_id=int(id), status=2, reason="unclear")
    refused = eventually(lambda: kept(shop, "sms")[id], lambda each: each["review"] == "refused")
    assert refused["reason"] == "unclear", "JSMS called back"
    path = f"channels/{shop.code('sms')}/templates/{id}"
    text = {"text": "您的订单{{order}}已发出。", "category": "notice"}
    change(shop, "PUT", path, text, f'"{refused["version"]}"')
    eventually(lambda: kept(shop, "sms")[id]["review"], lambda review: review == "in_review")
    third_party.decide(shop, temp_id=int(id), status=1)
    third_party.asked(shop, "sms", "templates/refresh")
    assert kept(shop, "sms")[id]["review"] == "approved"
    (signature,) = kept(shop, "sms", "signatures")
    content = {"temp_id": int(id), "sign_id": int(signature), "temp_para": {"order": "A-7"}}
    finished(shop, sent(shop, "sms", content).json()["msgid"], submitted=1)
    missing = sent(shop, "sms", {**content, "temp_para": {}}).json()
    assert "msg_sms.temp_para.order" in missing["message"]
    third_party.asked(shop, "sms", f"templates/{id}", method="DELETE")
    assert id not in kept(shop, "sms")


def test_alipay_says_on_a_send_that_a_template_is_gone(shop: Shop) -> None:
    assert states(shop, "alipay_life") == {"tpl1": "normal"}
    context = {
        "head_color": "#85be53",
        "url": "https://shop.example/",
        "action_name": "Open",
        "keyword1": {"value": "x", "color": "#85be53"},
    }
    content = {"template_id": "tpl1", "context": context}
    finished(shop, sent(shop, "alipay_life", content).json()["msgid"], submitted=1)
    app_id = shop.accounts["alipay_life"]["app_key"]
    shop.sandbox.console("alipay", "template", app_id=app_id, id="tpl1")
    finished(shop, sent(shop, "alipay_life", content, 1).json()["msgid"])
    eventually(lambda: states(shop, "alipay_life"), lambda each: each == {"tpl1": "invalid"})
    third_party.asked(shop, "alipay_life", "templates/import", third_party.ENTERED)
    assert states(shop, "alipay_life") == {"tpl1": "normal"}
