from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Misconfigured, Rejected, Unavailable, Uncertain
from chalicelib.flow.content import attachments
from tests.fakes.world import FakeWorld

KEY = "shop"
OTHERS = "https://files.example.org/a/report%20%E6%8A%A5.pdf"


def test_what_was_kept_is_attached_under_its_name() -> None:
    fake = FakeWorld()
    url = attachments.keep(fake.ports, KEY, "报告 1.pdf", b"body", 24)
    assert url.startswith("https://ums.example.com/m/")
    assert url.isascii()
    (file,) = attachments.fetch(fake.ports, KEY, [url], 10)
    assert (file.name, file.type, file.body) == ("报告 1.pdf", "application/pdf", b"body")
    assert [key.rsplit("/", 1)[0].rsplit("/", 1)[0] for key in fake.files.stored] == [
        "materials/email"
    ]


def test_it_works_until_it_expires_and_for_its_owner_only() -> None:
    fake = FakeWorld()
    url = attachments.keep(fake.ports, KEY, "a.txt", b"x", 1)
    fake.clock.advance(3599)
    attachments.check(fake.ports, KEY, [url])
    with pytest.raises(Invalid) as error:
        attachments.check(fake.ports, "other", [OTHERS, url])
    assert error.value.field == "files[1]"
    with pytest.raises(Rejected, match="file_not_found"):
        attachments.fetch(fake.ports, "other", [url], 10)
    fake.clock.advance(1)
    with pytest.raises(Invalid, match="expired"):
        attachments.check(fake.ports, KEY, [url])
    with pytest.raises(Rejected, match="file_expired"):
        attachments.fetch(fake.ports, KEY, [url], 10)


def test_an_address_that_was_changed_means_nothing() -> None:
    fake = FakeWorld()
    url = attachments.keep(fake.ports, KEY, "a.txt", b"x", 1)
    other = url[:40] + ("A" if url[40] != "A" else "B") + url[41:]
    for changed in (url + "x", url.replace("a.txt", "b.exe"), other, url.rsplit("/", 2)[0] + "/"):
        with pytest.raises(Invalid):
            attachments.check(fake.ports, KEY, [changed])


def test_a_form_that_was_never_posted_leaves_nothing_to_attach() -> None:
    fake = FakeWorld()
    url, target, fields = attachments.upload(fake.ports, KEY, "a.txt", 24)
    assert target == "https://files.example.com/"
    assert (fields["least"], fields["most"]) == ("1", str(attachments.MAX_TOTAL))
    with pytest.raises(Rejected, match="file_not_found"):
        attachments.fetch(fake.ports, KEY, [url], 10)


def test_files_of_others_are_fetched() -> None:
    fake = FakeWorld()
    fake.files.elsewhere[OTHERS] = b"pdf"
    (file,) = attachments.fetch(fake.ports, KEY, [OTHERS], 10)
    assert (file.name, file.type, file.body) == ("report 报.pdf", "application/pdf", b"pdf")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "text/csv"),
        ("a.csv.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_a_files_type_is_that_of_its_name(name: str, kind: str) -> None:
    fake = FakeWorld()
    (file,) = attachments.fetch(
        fake.ports, KEY, [attachments.keep(fake.ports, KEY, name, b"x", 1)], 10
    )
    assert file.type == kind


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (Rejected("file_http_404"), Rejected, "file_http_404"),
        (Misconfigured("egress_url"), Rejected, "file_egress_url"),
        (Uncertain("timeout"), Unavailable, "file_timeout"),
        (Unavailable("http_503"), Unavailable, "file_http_503"),
    ],
)
def test_what_cannot_be_had_is_lost_or_tried_again(
    answer: Exception, error: type[Exception], code: str
) -> None:
    fake = FakeWorld()
    fake.files.elsewhere[OTHERS] = answer  # type: ignore[assignment]
    with pytest.raises(error, match=code):
        attachments.fetch(fake.ports, KEY, [OTHERS], 10)


@pytest.mark.parametrize(
    ("sizes", "good"),
    [
        ((attachments.MAX_TOTAL,), True),
        ((attachments.MAX_TOTAL - 1, 1), True),
        ((attachments.MAX_TOTAL, 1), False),
    ],
)
def test_files_have_so_many_bytes_together(sizes: tuple[int, ...], good: bool) -> None:
    fake = FakeWorld()
    urls = [attachments.keep(fake.ports, KEY, "a", b"x" * size, 1) for size in sizes]
    if good:
        assert len(attachments.fetch(fake.ports, KEY, urls, 10)) == len(sizes)
        return
    with pytest.raises(Rejected, match="too_large"):
        attachments.fetch(fake.ports, KEY, urls, 10)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.pdf", "a.pdf"),
        ("C:\\x\\a.pdf", "a.pdf"),
        ("../../etc/passwd", "passwd"),
        ("", "attachment"),
        ("...", "attachment"),
        ("a\r\nBcc: x.pdf", "a_Bcc_ x.pdf"),
        ("a\u202egpj.exe", "a_gpj.exe"),
        ("x" * 200 + ".pdf", "x" * 124 + ".pdf"),
        ("报" * 100, "报" * 42),
    ],
)
def test_file_names(path: str, name: str) -> None:
    assert attachments.file_name(path) == name


@given(st.text(st.characters(), max_size=300))
def test_any_name_becomes_one_that_can_be_sent(name: str) -> None:
    safe = attachments.file_name(name)
    assert 1 <= len(safe.encode()) <= 128
    assert "/" not in safe
    assert safe.isprintable() or not safe.isascii()


@given(st.text(max_size=100))
def test_any_address_below_ours_is_refused_or_found(rest: str) -> None:
    with pytest.raises(Invalid):
        attachments.check(FakeWorld().ports, KEY, [f"https://ums.example.com/m/{rest}"])
