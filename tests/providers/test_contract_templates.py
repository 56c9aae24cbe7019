"""Templates and signatures of each vendor's accounts, asked of the sandbox as of the vendor."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from chalicelib.domain.errors import ProviderError, Rejected, SignatureGone, TemplateGone
from chalicelib.domain.third_party import Category, Draft, Registered, Review, Sort
from tests.liveness import eventually
from tests.providers.contract import Bench
from tests.providers.sandboxes import Sandbox, webhook

WECHAT = ("wechatoa", "wechatoa_component", "wechatmp", "wechatmp_component")
CONTENT = "物品名称:{{thing1.DATA}}\n时间:{{time2.DATA}}\n状态:{{enum3.DATA}}\n"
PNG, JPEG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\xff\xd8\xff\xe0\r\n--" + bytes(99)
CODE = Draft(Sort.TEXT, "您的验证码是{{code}}，2分钟内有效。", Category.VERIFICATION, seconds=120)


def console(bench: Bench, path: str, **body: Any) -> None:
    provider = bench.at_sandbox.provider
    bench.box.ask("POST", f"/{provider}/_console/{path}", json=body).raise_for_status()


def registered(bench: Bench) -> dict[str, Registered]:
    with bench.session() as session:
        return {each.id: each for each in session.registry().all()}


def added(bench: Bench, id: str, **more: Any) -> None:
    app_id = bench.credentials["app_id"]
    console(bench, "template", app_id=app_id, id=id, title="提醒", content=CONTENT, **more)


@pytest.mark.parametrize("platform", WECHAT)
def test_an_accounts_notices_are_listed_with_their_fields(bench: Bench) -> None:
    allowed = [{"keywordCode": "enum3.DATA", "enumValueList": ["已发货", "已完成"]}]
    added(bench, "n1", kind="notice", keywordEnumValueList=allowed, type=3)
    notice = registered(bench)["n1"]
    assert (notice.sort, notice.title, notice.category) == (Sort.NOTICE, "提醒", "long_term")
    assert (notice.code, notice.account) == (bench.code, bench.account.credentials_fingerprint)
    assert [(f.name, f.label, f.kind, f.allowed) for f in notice.fields] == [
        ("thing1", "物品名称", "thing", ()),
        ("time2", "时间", "time", ()),
        ("enum3", "状态", "enum", ("已发货", "已完成")),
    ]


@pytest.mark.parametrize("platform", ["wechatoa", "wechatoa_component"])
def test_an_official_account_has_template_messages_besides(bench: Bench) -> None:
    added(bench, "m1")
    added(bench, "n1", kind="notice")
    assert {id: each.sort for id, each in registered(bench).items()} == {
        "m1": Sort.MESSAGE,
        "n1": Sort.NOTICE,
    }


@pytest.mark.parametrize("platform", WECHAT)
def test_a_deleted_template_is_listed_no_more_and_refused_as_gone(bench: Bench) -> None:
    content = {"template_id": "n1", "data": {"thing1": {"value": "x"}}}
    if platform_is_official(bench):
        content = {**content, "type": 1}
    added(bench, "n1", kind="notice")
    console(bench, "template", app_id=bench.credentials["app_id"], id="n1", delete=True)
    assert "n1" not in registered(bench)
    with pytest.raises(TemplateGone):
        bench.send(bench.contact(), content=content)


def platform_is_official(bench: Bench) -> bool:
    return bench.platform.startswith("wechatoa")


@pytest.mark.parametrize("platform", WECHAT)
def test_a_template_of_the_library_is_chosen_with_its_keywords(bench: Bench) -> None:
    with bench.session() as session:
        registry = session.registry()
        titles = registry.titles()
        assert len(titles) == 44, "more than a page of the vendor has"
        (title,) = [each for each in titles if each.title == "订单发货通知"]
        keywords = {each.name: each for each in registry.keywords(title.id)}
        assert keywords["金额"].kind == "amount"
        chosen = registry.choose(title.id, [keywords["状态"].number, keywords["金额"].number], "x")
        template = registered(bench)[chosen]
        assert [field.kind for field in template.fields] == ["phrase", "amount"]
        with pytest.raises(Rejected, match="200020"):
            registry.choose(title.id, [77, 78], "")
        with pytest.raises(Rejected, match="200014"):
            registry.keywords("12345")


# -- JSMS


def decided(bench: Bench, made: Registered, status: int, reason: str = "") -> None:
    name = "sign_id" if made.sort is Sort.SIGNATURE else "temp_id"
    fields = {name: int(made.id), "status": status, "reason": reason}
    console(bench, "review", app_key=bench.credentials["app_key"], **fields)


def read(bench: Bench, made: Registered) -> Registered | None:
    with bench.session() as session:
        return session.registry().read(made.sort, made.id)


def created(bench: Bench, draft: Draft) -> Registered:
    with bench.session() as session:
        return session.registry().create(draft)


@pytest.mark.parametrize("platform", ["jsms"])
@pytest.mark.parametrize("draft", [CODE, Draft(Sort.SIGNATURE, "极光推送", remark="x", type=1)])
def test_a_draft_is_reviewed_and_changed_when_it_is_refused(bench: Bench, draft: Draft) -> None:
    made = created(bench, draft)
    assert made.review is Review.IN_REVIEW
    assert read(bench, made) is not None
    decided(bench, made, 2)
    refused = read(bench, made)
    assert refused is not None
    assert refused.review is Review.REFUSED
    with bench.session() as session:
        again = session.registry().change(made.id, draft)
    assert again.review is Review.IN_REVIEW
    decided(bench, made, 1)
    approved = read(bench, made)
    assert approved is not None
    assert (approved.review, approved.title) == (Review.APPROVED, made.title)
    if draft is CODE:
        assert (approved.category, approved.seconds) == ("verification", 120)
        assert [field.name for field in approved.fields] == ["code"]


@pytest.mark.parametrize("platform", ["jsms"])
def test_certificates_are_handed_in_with_a_signature_and_again_with_a_changed_one(
    bench: Bench,
) -> None:
    made = created(bench, Draft(Sort.SIGNATURE, "极光推送", type=1, images=(PNG, JPEG)))
    decided(bench, made, 2)
    with bench.session() as session:
        session.registry().change(
            made.id, Draft(Sort.SIGNATURE, "极光推送", type=6, images=(JPEG,))
        )
    answer = bench.box.ask(
        "GET", "/jsms/_console/signatures", params={"app_key": bench.credentials["app_key"]}
    )
    (kept,) = [each for each in answer.json() if str(each["sign_id"]) == made.id]
    digest = hashlib.sha256(JPEG).hexdigest()
    assert kept["images"] == [{"type": "image/jpeg", "bytes": len(JPEG), "sha256": digest}]


@pytest.mark.parametrize("platform", ["jsms"])
def test_what_is_deleted_is_gone_and_may_be_deleted_again(bench: Bench) -> None:
    made = created(bench, CODE)
    decided(bench, made, 1)
    with bench.session() as session:
        session.registry().delete(made.sort, made.id)
        session.registry().delete(made.sort, made.id)
    assert read(bench, made) is None
    content = {"temp_id": int(made.id), "temp_para": {"code": "1"}}
    with pytest.raises(TemplateGone, match="50013"):
        bench.send(bench.contact(), content=content)


@pytest.mark.parametrize("platform", ["jsms"])
def test_a_signature_that_is_gone_is_not_a_text_that_is_gone(bench: Bench) -> None:
    made = created(bench, Draft(Sort.SIGNATURE, "极光推送"))
    console(bench, "delete", app_key=bench.credentials["app_key"], sign_id=int(made.id))
    content = {"temp_id": 1, "temp_para": {}, "sign_id": int(made.id)}
    with pytest.raises(SignatureGone):
        bench.send(bench.contact(), content=content)


@pytest.mark.parametrize("platform", ["jsms"])
def test_a_text_in_review_or_refused_is_not_gone(bench: Bench) -> None:
    made = created(bench, CODE)
    content = {"temp_id": int(made.id), "temp_para": {"code": "1"}}
    for status, code in ((0, "50020"), (2, "50021")):
        decided(bench, made, status)
        with pytest.raises(ProviderError, match=code) as error:
            bench.send(bench.contact(), content=content)
        assert type(error.value) is Rejected


def test_a_review_is_called_back_signed(box: Sandbox) -> None:
    with webhook() as hook:
        bench = Bench(box, "jsms", hook)
        text, signature = created(bench, CODE), created(bench, Draft(Sort.SIGNATURE, "极光推送"))
        decided(bench, text, 2, "含有违规内容")
        decided(bench, signature, 1)
        posts = eventually(lambda: list(hook.seen), lambda seen: len(seen) >= 2)
        reports = [report for seen in posts for report in bench.read(seen).reviews]
        by_id = {report.id: (report.review, report.reason) for report in reports}
    assert by_id[text.id] == (Review.REFUSED, "含有违规内容")
    assert by_id[signature.id] == (Review.APPROVED, "")


# -- Alipay


@pytest.mark.parametrize("platform", ["alipay"])
def test_alipay_says_on_a_send_that_a_template_is_gone(bench: Bench) -> None:
    content = bench.content()
    console(bench, "template", app_id=bench.credentials["app_id"], id=content["template_id"])
    with pytest.raises(TemplateGone):
        bench.send(bench.contact())
    with bench.session() as session, pytest.raises(Rejected, match="no_templates"):
        session.registry()
