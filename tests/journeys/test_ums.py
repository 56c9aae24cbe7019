"""The UMS v1 contract on a running stack, beyond templates. test_printed.py has its examples."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from infra.demo.client import TIMEOUT, Shop
from tests.journeys.conftest import eventually, finished

HI = {"platform": "android", "notification": {"android": {"alert": "Hi,JPush !"}}}


def post(shop: Shop, path: str, body: Any = None, **more: Any) -> requests.Response:
    return requests.post(
        shop.api.url + path, json=body, auth=shop.api.pair, timeout=TIMEOUT, **more
    )


def accepted(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.json()["msgid"] == answer.json()["msgno"]
    return str(answer.json()["msgid"])


@pytest.fixture(scope="module")
def people(shop: Shop) -> Shop:
    shop.upload(
        [
            shop.user(f"member{n}", app=[f"{shop.mark}u{n}"], email=f"{shop.mark}u{n}@example.com")
            for n in (1, 2)
        ]
    )
    return shop


def test_an_ordinary_message_says_what_it_carries(shop: Shop) -> None:
    shop.upload(
        [
            shop.user(f"o{n}", app=[f"{shop.mark}o{n}"], email=f"{shop.mark}o{n}@example.com")
            for n in (1, 2)
        ]
    )
    body = {
        "aud_userid": ["o1", "o2"],
        "msg_app": [HI, {"platform": "ios", "notification": {"ios": {"alert": "Hi, iOS"}}}],
        "msg_email": [{"subject": "News", "text": "<p>{{not a variable}}</p>"}],
    }
    found = finished(shop, accepted(post(shop, "/v1/sent", body)), delivered=2)
    assert found["template"] is None
    (push,) = shop.sandbox.inbox(f"{shop.mark}o1")
    assert set(push["content"]["notification"]) >= {"android", "ios"}
    (mail,) = shop.sandbox.inbox(f"{shop.mark}o1@example.com")
    assert "{{not a variable}}" in json.dumps(mail)


def test_registration_ids_need_no_user(shop: Shop) -> None:
    mark, phone = uuid.uuid4().hex[:8], f"138{int(shop.mark[:5], 16) % 10000:04d}0010"
    body = {
        "aud_app": [{"instance": "app", "data": [f"{mark}a", f"{mark}b"]}],
        "aud_sms": [{"instance": "sms", "data": [phone]}],
        "msg_app": [{"platform": "all", "notification": {"alert": "raw"}}],
        "msg_sms": [{"temp_id": 1, "temp_para": {}}],
    }
    found = finished(shop, accepted(post(shop, "/v1/sent", body)), submitted=3)
    assert found["progress"]["targets"] == 3
    assert shop.sandbox.sends("jsms")[phone] == 1


def test_registration_ids_of_several_pages_are_all_sent_to(shop: Shop) -> None:
    mark = f"r{uuid.uuid4().hex[:8]}"  # digits alone would be a phone number to the sandbox
    ids = [f"{mark}{n:04d}" for n in range(700)]
    body = {
        "aud_app": [{"data": ids}],
        "msg_app": [{"platform": "all", "notification": {"alert": "raw"}}],
    }
    found = finished(shop, accepted(post(shop, "/v1/sent", body)), submitted=len(ids))
    assert found["progress"]["targets"] == len(ids)
    sent = shop.sandbox.sends("jpush")
    assert {each: sent.get(each, 0) for each in ids} == dict.fromkeys(ids, 1)
    last = post(
        shop, f"/v1/messages/{found['msgid']}/targets", {"type": "app", "contact": ids[-1]}
    ).json()
    assert (last["code"], [each["provider_id"] != "" for each in last["deliveries"]]) == (0, [True])


def test_tags_and_everyone(shop: Shop) -> None:
    tag = f"tag-{shop.mark}"
    users = [
        {**shop.user(f"t{n}", app=[f"{shop.mark}t{n}"]), "tag": {"all": [tag]}} for n in range(3)
    ]
    shop.upload(users)
    tagged = finished(
        shop, accepted(post(shop, "/v1/sent", {"aud_tag": [tag], "msg_app": [HI]})), submitted=3
    )
    assert tagged["funnel"]["users"]["planned"] == 3
    everyone = finished(shop, accepted(post(shop, "/v1/broadcast", {"msg_app": [HI]})), submitted=3)
    assert everyone["funnel"]["users"]["submitted"] >= 3
    assert shop.sandbox.sends("jpush")[f"{shop.mark}t0"] == 2


def test_a_key_makes_a_request_happen_once(people: Shop) -> None:
    key, body = {"Idempotency-Key": uuid.uuid4().hex}, {"aud_userid": ["member1"], "msg_app": [HI]}
    first = accepted(post(people, "/v1/sent", body, headers=key))
    assert accepted(post(people, "/v1/sent", body, headers=key)) == first
    other = post(people, "/v1/sent", {**body, "aud_userid": ["member2"]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, 1019041)


def test_a_message_is_withdrawn(shop: Shop) -> None:
    shop.upload(
        [
            shop.user(
                "w1",
                app=[f"{shop.mark}w1-silent"],
                sms=f"137{int(shop.mark[:5], 16) % 10000:04d}0030",
            )
        ]
    )
    within = {"missing": "delivered", "within": 600}
    rule = shop.strategy({"channels": ["app"]}, {"channels": ["sms"], "condition": within})
    body = {"aud_userid": ["w1"], "msg_app": [HI], "msg_sms": [{"temp_id": 1}], "rule_id": rule}
    msgid = accepted(post(shop, "/v1/sent", body))
    eventually(lambda: shop.api.target(msgid, "w1"), lambda told: told["state"] == "submitted")
    done = post(shop, f"/v1/retract/{msgid}").json()
    assert (done["code"], done["message"]) == (0, "success")
    assert sum(done["withdrawal"].values()) == 1
    again = post(shop, f"/v1/retract/{msgid}")
    assert (again.status_code, again.json()["code"]) == (400, 1015055)
    assert shop.api.message(msgid)["status"] == "withdrawn"
    told = eventually(
        lambda: shop.api.target(msgid, "w1"), lambda found: found["state"] == "withdrawn"
    )
    assert [delivery["withdrawal"] for delivery in told["deliveries"]] == ["withdrawn"]


@pytest.mark.parametrize(
    "msgid", ["v:1t:1603707455p:27133n:2", "v%3A1t%3A1603707455p%3A27133n%3A2"]
)
def test_an_id_of_another_system_is_not_there(shop: Shop, msgid: str) -> None:
    answer = post(shop, f"/v1/retract/{msgid}")
    assert (answer.status_code, answer.json()["code"]) == (404, 4004)


def test_an_attachment_comes_with_the_mail(people: Shop) -> None:
    report = b"%PDF-1.7 \x00\xff" * 1000
    kept = post(
        people,
        "/v1/material",
        files={"file": ("报告.pdf", report)},
        data={"type": "attachment", "time_to_live": "1"},
    )
    assert kept.status_code == 200, kept.text
    mail = {"subject": "Report", "text": "see the file", "files": [kept.json()["url"]]}
    finished(
        people,
        accepted(post(people, "/v1/sent", {"aud_userid": ["member2"], "msg_email": [mail]})),
        delivered=1,
    )
    (got,) = people.sandbox.inbox(f"{people.mark}u2@example.com")
    assert got["content"]["files"] == [
        {"name": "报告.pdf", "type": "application/pdf", "bytes": len(report)}
    ]
    assert requests.get(kept.json()["url"], timeout=TIMEOUT).status_code == 404


def test_what_is_too_large_names_the_other_way(shop: Shop) -> None:
    answer = post(shop, "/v1/material", files={"file": ("a", b"x" * 4_500_000)})
    assert answer.status_code == 413, answer.text
    assert "/v1/material/upload" in answer.json()["message"]
    # API Gateway refuses by itself what Lambda would not take.
    answer = post(shop, "/v1/material", files={"file": ("a", b"x" * 7_000_000)})
    assert (answer.status_code, set(answer.json())) == (413, {"message"})


def test_a_large_attachment_is_uploaded_with_a_form(shop: Shop) -> None:
    made = post(shop, "/v1/material/upload", {"name": "large.bin"}).json()
    form: Mapping[str, Any] = made["upload"]
    sent = requests.post(
        form["url"],
        data=form["fields"],
        files={"file": ("large.bin", b"x" * 5_000_000)},
        timeout=TIMEOUT,
    )
    assert sent.status_code in (200, 201, 204), sent.text
    raw = {"aud_email": [{"data": [f"{shop.mark}-large@example.com"]}]}
    mail = {"subject": "Large", "text": "see the file", "files": [made["url"]]}
    finished(shop, accepted(post(shop, "/v1/sent", {**raw, "msg_email": [mail]})), delivered=1)


def test_deleted_users_get_nothing(shop: Shop) -> None:
    shop.upload([shop.user("gone", app=[f"{shop.mark}gone"])])
    answer = shop.admin.ask("POST", "/v1/user/delete", ["gone", "never"])
    assert answer["data"]["success"] == ["gone"]
    assert [each["errcode"] for each in answer["data"]["fail"]] == ["1019023"]
    found = finished(
        shop, accepted(post(shop, "/v1/sent", {"aud_userid": ["gone"], "msg_app": [HI]}))
    )
    assert found["losses"]["users"] == {"unknown_user": 1}


def test_every_answer_says_how_much_may_be_asked(shop: Shop) -> None:
    answer = post(shop, "/v1/sent", {})
    assert answer.status_code == 400
    assert answer.headers["X-Rate-Limit-Limit"] == answer.headers["X-Rate-Limit-Quota"] == "500"
    assert all(f"X-Rate-Limit-{name}" in answer.headers for name in ("Remaining", "Reset"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/nothing"), ("GET", "/v1/sent"), ("DELETE", "/v2/push"), ("GET", "/")],
)
def test_what_never_reaches_the_function_is_answered_in_the_same_shape(
    shop: Shop, method: str, path: str
) -> None:
    answer = requests.request(method, shop.api.url + path, auth=shop.api.pair, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["code"]) == (404, 4004)
    assert set(answer.json()) == {"code", "message"}


def test_bad_json_is_answered_in_the_same_shape(shop: Shop) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(
        shop.api.url + "/v1/sent",
        data=b'{"a":',
        headers=headers,
        auth=shop.api.pair,
        timeout=TIMEOUT,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 4004)
