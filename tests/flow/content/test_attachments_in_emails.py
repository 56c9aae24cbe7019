"""The delivery function fetches attachments. A mail without one of its files is not sent."""

from __future__ import annotations

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import ProviderError, Rejected, Unavailable
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Attachment
from chalicelib.flow import deliver
from chalicelib.flow.content import render
from tests.builders import a_channel, a_message, a_plan, a_template, at_once, opened
from tests.fakes.world import FakeWorld

URL = "https://files.example.org/a.pdf"


def mailed(answer: bytes | ProviderError, **changes: object) -> tuple[FakeWorld, Message, Chunk]:
    fake = FakeWorld()
    fake.files.elsewhere[URL] = answer
    fake.settings.put_channel(a_channel("mail"))
    message = a_message(
        "ann",
        "ben",
        strategy=at_once("email"),
        contents={"mail": {"text": "t", "files": [URL]}},
        **changes,
    )
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message), message)
    deliver.deliver(fake.ports, DeliverJob(message.msgid, 0, 0, 0, "mail", 0, 2))
    chunk = fake.ledger.chunk(ChunkId(message.msgid, 0))
    assert chunk is not None
    return fake, message, chunk


def test_the_files_of_a_message_are_fetched_once_for_all_its_mails() -> None:
    fake, _, chunk = mailed(b"pdf")
    (call,) = fake.providers.mail.calls
    assert call.files == (Attachment("a.pdf", "application/pdf", b"pdf"),)
    assert fake.log.count("files.fetch") == 1
    assert chunk.state_of(DeliveryRef(0, "mail", 0)).submitted


def test_a_file_that_is_nowhere_is_the_reason_why_the_mail_failed() -> None:
    fake, _, chunk = mailed(Rejected("file_http_404"))
    fact = chunk.state_of(DeliveryRef(1, "mail", 0)).facts[FactKind.SUBMIT_FAILED]
    assert fact.code == "file_http_404"
    assert not fake.providers.mail.calls


def test_a_file_that_may_come_back_is_asked_for_again() -> None:
    fake, _, chunk = mailed(Unavailable("http_503"))
    assert not chunk.answers
    (envelope,) = fake.queues.sent
    assert envelope.delay
    fake.files.elsewhere[URL] = b"pdf"
    fake.clock.advance(envelope.delay)
    assert isinstance(envelope.job, DeliverJob)
    deliver.deliver(fake.ports, envelope.job)
    assert fake.providers.mail.sent().total() == 2


def test_the_address_of_a_file_is_never_a_short_link_nor_escaped() -> None:
    fake, address = FakeWorld(), f"{URL}?a=1&b=2"
    contents_of = {ChannelType.EMAIL: {"text": "<p>{{url}}</p>", "files": ["{{url}}"]}}
    template = a_template(contents=contents_of, links=frozenset({"url"}))
    contents, links = render.prepare(
        fake.ports, template, {"url": address}, opened(fake.ports, a_channel("mail"))
    )
    assert contents["mail"] == {"text": "<p>{{url}}</p>", "files": [address], "subject": ""}
    message = a_message("ann", strategy=at_once("email"), contents=contents, links=links)
    assert render.files(message, "mail") == [address]
