"""Messages and templates with a sensitive word are refused, and words are read once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, SensitiveWord, Stale, WordsGone
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.personal import around
from chalicelib.domain.rules.sensitive_words import MAX_WORDS
from chalicelib.domain.users import UserChange
from chalicelib.flow import single, submit
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import sensitive_words, templates, users
from tests.builders import SHOP, a_template, at_once
from tests.simulation.world import Simulation

SMS = ChannelType.SMS


def with_words(*words: str, on: bool = True) -> Simulation:
    simulation = Simulation()
    ports = simulation.world.ports
    sensitive_words.change(ports, SHOP, None, dict.fromkeys(words, True))
    sensitive_words.switch(ports, SHOP, None, on=on)
    simulation.world.log.clear()
    return simulation


def access(simulation: Simulation) -> AccessChannel:
    channel = simulation.world.settings.access_channel(SHOP)
    assert channel is not None
    return channel


def send(simulation: Simulation, **changes: object) -> str:
    request: SendRequest = replace(simulation.request(), channel=access(simulation), **changes)
    return submit.submit(simulation.world.ports, request)


def refused(simulation: Simulation, **changes: object) -> tuple[str, dict[str, object]]:
    with pytest.raises(SensitiveWord) as error:
        send(simulation, **changes)
    assert not simulation.world.messages.stored
    return error.value.field, error.value.values


def test_the_value_of_a_variable_is_searched() -> None:
    simulation = with_words("赌博")
    field, values = refused(simulation, template_para={"name": "去賭 博"})
    assert (field, values) == ("template_para.name", {"word": "赌博", "first": 2, "last": 4})
    assert send(simulation, template_para={"name": "you"})


def test_a_word_that_value_and_template_make_together_is_found() -> None:
    simulation = with_words("helloyou", "赌博")
    simulation.world.settings.put_template(a_template(5, text="去赌{{name}}"))
    field, values = refused(simulation, template=5, rule_id=0, template_para={"name": "博士"})
    assert field.startswith("template_id.")
    assert values["word"] == "赌博"


def test_the_contents_of_an_ordinary_message_are_searched() -> None:
    simulation = with_words("赌博")
    contents = {SMS: [{"text": "good"}, {"text": "去赌博"}]}
    changes = {"template": None, "rule_id": 0, "contents": contents}
    field, values = refused(simulation, **changes)
    assert (field, values["first"]) == ("msg_sms[1].text", 2)


def test_a_template_is_searched_when_it_is_saved() -> None:
    simulation = with_words("赌博")
    ports = simulation.world.ports
    with pytest.raises(SensitiveWord) as error:
        templates.add(ports, SHOP, "t", {SMS: [{"text": "去赌博"}]}, None)
    assert error.value.field == "contents.sms[0].text"
    templates.change(ports, 1, None, "t", {SMS: [{"text": "good"}]}, None)
    with pytest.raises(SensitiveWord):
        templates.change(ports, 1, None, "t", {SMS: [{"text": "赌博"}]}, None)


def test_words_are_read_once_and_again_after_a_change() -> None:
    simulation = with_words("赌博")
    for _ in range(3):
        send(simulation)
    assert simulation.world.log.count("files.read") == 1
    sensitive_words.change(simulation.world.ports, SHOP, None, {"彩票": True}, ["赌博"])
    simulation.world.log.clear()
    simulation.world.messages.stored.clear()
    refused(simulation, template_para={"name": "彩票"})
    assert send(simulation, template_para={"name": "赌博"})
    assert simulation.world.log.count("files.read") == 1


def test_a_switch_that_is_off_reads_nothing() -> None:
    simulation = with_words("赌博", on=False)
    assert send(simulation, template_para={"name": "赌博"})
    assert "files.read" not in simulation.world.log


def test_words_that_cannot_be_read_stop_the_message() -> None:
    simulation = with_words("赌博")
    for name in [name for name in simulation.world.files.stored if name.startswith("words/")]:
        simulation.world.files.delete(name)
    with pytest.raises(WordsGone):
        send(simulation)


def test_old_files_of_words_are_deleted_after_two_changes() -> None:
    simulation = with_words("a1")
    for n in range(5):
        sensitive_words.change(simulation.world.ports, SHOP, None, {f"b{n}": True})
    names = [name for name in simulation.world.files.stored if name.startswith("words/")]
    assert len(names) == 2
    channel = access(simulation)
    assert set(sensitive_words.words_of(simulation.world.ports, channel)) == {
        "a1",
        *(f"b{n}" for n in range(5)),
    }


def test_of_two_changes_at_once_the_second_is_told() -> None:
    simulation = with_words("a1")
    version = access(simulation).version
    sensitive_words.change(simulation.world.ports, SHOP, version, {"b2": True})
    with pytest.raises(Stale):
        sensitive_words.change(simulation.world.ports, SHOP, version, {"c3": True})


def test_there_are_at_most_so_many_words() -> None:
    simulation = with_words(*(f"a{n}" for n in range(MAX_WORDS)))
    with pytest.raises(Invalid, match="more than"):
        sensitive_words.change(simulation.world.ports, SHOP, None, {"c3": True})


def personal(
    simulation: Simulation, text: str, *kinds: str, **names: object
) -> dict[str, tuple[str | None, dict[str, str]]]:
    """Send a template with attributes to people who have these names. Return their losses."""
    simulation.world.settings.put_template(a_template(7, kinds or ("sms",), text))
    simulation.world.settings.put_strategy(7, SHOP, "all", at_once(*(kinds or ("sms",))))
    changes = [UserChange(userid, attributes={"name": name}) for userid, name in names.items()]
    users.change(simulation.world.ports, changes)
    msgid = send(simulation, template=7, rule_id=7, userids=tuple(names), template_para={})
    message = simulation.world.messages.stored[msgid]
    chunk = single.chunk_of(simulation.world.ports, ChunkId(msgid, 0), message)
    assert chunk is not None
    return {t.id: (t.loss, dict(t.refused)) for t in chunk.plan.targets}


def test_a_person_whose_attribute_has_a_word_falls_out_and_the_others_do_not() -> None:
    simulation = with_words("赌博", "viagra")
    found = personal(simulation, "Hi {{user.name}}", ann="赌.博王", bob="Bob", dan="VIAGRA")
    lost = ("sensitive_value", {"text": "sensitive_value"})
    assert found == {"ann": lost, "bob": (None, {}), "dan": lost}


def test_a_word_that_an_attribute_and_the_template_make_together_is_found() -> None:
    found = personal(with_words("赌博"), "去赌{{user.name}}", ann="博士", bob="气")
    assert (found["ann"][0], found["bob"][0]) == ("sensitive_value", None)


def test_only_contents_that_take_the_attribute_are_left_out() -> None:
    simulation = with_words("赌博")
    simulation.world.settings.put_template(
        replace(
            a_template(8, ("sms", "email")),
            contents={SMS: {"text": "Hi {{user.name}}"}, ChannelType.EMAIL: {"text": "Hi"}},
        )
    )
    simulation.world.settings.put_strategy(8, SHOP, "both", at_once("sms", "email"))
    users.change(simulation.world.ports, [UserChange("ann", attributes={"name": "赌博"})])
    msgid = send(simulation, template=8, rule_id=8, userids=("ann",), template_para={})
    message = simulation.world.messages.stored[msgid]
    chunk = single.chunk_of(simulation.world.ports, ChunkId(msgid, 0), message)
    assert chunk is not None
    (target,) = chunk.plan.targets
    assert (target.loss, dict(target.contacts)) == (None, {"mail": 1})
    assert target.refused == {"text": "sensitive_value"}


def test_attributes_are_not_searched_while_the_switch_is_off() -> None:
    simulation = with_words("赌博", on=False)
    assert personal(simulation, "Hi {{user.name}}", ann="赌博") == {"ann": (None, {})}
    assert not [step for step in simulation.world.log if step.startswith("files.")]


@given(st.text("a 字\n", max_size=300), st.text("a 字\n", max_size=300), st.integers(0, 40))
def test_a_part_around_a_value_ends_at_a_blank_or_far_away(
    before: str, behind: str, width: int
) -> None:
    place = "{{user.name}}"
    (part,) = around(before + place + behind, width)
    left, _, right = part.partition(place)
    assert before.endswith(left)
    assert behind.startswith(right)
    assert len(before) == len(left) or len(left) >= width // 2
    assert len(behind) == len(right) or len(right) >= width // 2
    assert max(len(left), len(right)) <= width


def test_parts_that_meet_are_one() -> None:
    assert list(around("x{{user.a}}yyyy{{user.b}}" + "z" * 99 + "{{user.c}}", 4)) == [
        "x{{user.a}}yyyy{{user.b}}zzzz",
        "zzzz{{user.c}}",
    ]
    assert list(around("plain", 4)) == []
