"""Messages and templates with a sensitive word are refused, and words are read once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, SensitiveWord, Stale, WordsGone
from chalicelib.flow import submit
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import sensitive_words, templates
from tests.builders import SHOP, a_template
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


def test_there_are_at_most_so_many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitive_words, "MAX_WORDS", 2)
    simulation = with_words("a1", "b2")
    with pytest.raises(Invalid, match="more than"):
        sensitive_words.change(simulation.world.ports, SHOP, None, {"c3": True})
