"""Contact labels, the global key, and attributes of users in the console."""

from __future__ import annotations

import re

from tests.console.conftest import GLOBAL_KEY, GLOBAL_SECRET, Browser
from tests.console.shops import shop as shop
from tests.console.test_rules import save, wrong

PATH = "/channels/sms1/labels"


def a_label(shop: Browser) -> str:
    save(shop, PATH, {"name": "Work phone"}, PATH)
    found = re.findall(r'id="del-([0-9a-f]+)"', shop.get(PATH).text)
    assert len(found) == 1, "the default cannot be deleted"
    return str(found[0])


def test_labels_are_added_renamed_made_the_default_and_deleted(shop: Browser) -> None:
    label = a_label(shop)
    assert "2 labels" in shop.get(PATH).plain
    page = save(shop, f"{PATH}/{label}", {"name": "Office"}, PATH)
    assert 'value="Office"' in page.text
    taken = save(shop, f"{PATH}/{label}", {"name": ""}, PATH)
    assert taken.status == 400
    assert wrong(taken, f"l{label}")
    assert "Saved." in save(shop, f"{PATH}/{label}", {"do": "default"}, PATH).plain
    assert f'id="del-{label}"' not in shop.get(PATH).text
    save(shop, f"{PATH}/{_other(shop, label)}", {"do": "default"}, PATH)
    gone = save(shop, f"{PATH}/{label}", {"do": "delete"}, PATH)
    assert "1 label " in gone.plain


def _other(shop: Browser, label: str) -> str:
    found = re.findall(r'id="del-([0-9a-f]+)"', shop.get(PATH).text)
    return str(next(each for each in found if each != label))


def test_a_name_that_is_taken_is_refused_in_its_own_form(shop: Browser) -> None:
    a_label(shop)
    refused = save(shop, PATH, {"name": "Work phone"}, PATH)
    assert refused.status in (400, 409)
    assert wrong(refused, "f-name")


def test_the_global_key_is_named_only_to_whoever_has_it(shop: Browser) -> None:
    assert "The first deployment printed it." in shop.get("/global-key").plain
    owner = Browser(shop.world)
    owner.sign_in(GLOBAL_KEY, GLOBAL_SECRET)
    assert "you are signed in with it" in owner.get("/global-key").plain


def test_attributes_of_a_user_are_added_changed_and_taken_away(shop: Browser) -> None:
    path = f"/c/{shop.key}/users/u1"
    fields = {"contact.sms.all": "13800000000", "attributes": "city = 深圳\nlevel = 3"}
    assert "深圳" in shop.post(f"{path}/edit", fields).plain
    assert shop.get(f"{path}/edit").field("attributes") == "city = 深圳\nlevel = 3"
    page = shop.post(f"{path}/edit", {**fields, "attributes": "level = 4"})
    assert "深圳" not in page.plain
    refused = shop.post(f"{path}/edit", {**fields, "attributes": "no good = 1"})
    assert refused.field("attributes") == "no good = 1"
    assert wrong(refused, "f-attributes")
