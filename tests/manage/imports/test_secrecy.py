"""An import writes contacts into neither its record, reasons, jobs, files' names nor logs."""

from __future__ import annotations

import pytest

from chalicelib.domain.envelopes import encode
from chalicelib.domain.imports import FileFormat
from chalicelib.observability import describe, mask
from tests import spreadsheets
from tests.fakes.world import FakeWorld
from tests.manage.imports.files import USERS, done

PHONE, MAIL, OPEN_ID = "13812345678", "canary@example.com", "oCANARYCANARYCANARYCANARY123"
CANARIES = (PHONE, MAIL, OPEN_ID)
GOOD = f"u1,{PHONE},{MAIL}"
FILES = {
    "good": f"userid,phone,email\n{GOOD}\n",
    "no header": f"{GOOD}\nu2,{PHONE},{MAIL}\n",
    "a contact as a header": f"userid,{PHONE},{MAIL},{OPEN_ID}\nu1,1,2,3\n",
    "a contact bound to a contact": f"userid,phone[{PHONE}],email[{MAIL}]\n{GOOD}\n",
    "bad cells": f"userid,phone,email\nu1,{PHONE}x,{MAIL}@\nu2,x{PHONE},a b {MAIL}\n",
    "a surplus cell": f"userid,phone\nu1,{PHONE},{MAIL}\n",
    "contacts as tags": f"userid,tag\nu1,{PHONE} {MAIL}\n",
    "contacts as ids": f"userid,phone\n{PHONE} {MAIL},\n{PHONE} {MAIL},\n",
    "an open quote": f'userid,phone\nu1,"{PHONE}\n',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_import_writes_no_contact_in_the_open(
    fake: FakeWorld, text: str, format: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    rows = [line.split(",") for line in text.splitlines()]
    done(fake, text if format == "csv" else spreadsheets.xlsx(rows), USERS, FileFormat(format))
    written = _written(fake, caplog)
    assert fake.imports.stored
    leaks = [where for where, out in written.items() if any(mark in out for mark in CANARIES)]
    assert leaks == []


def _written(fake: FakeWorld, caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """Return what an import writes unsealed. Users are sealed, and the upload is deleted."""
    ended = list(fake.imports.stored.values())
    return {
        "records": str(ended),
        "bad rows": str([fake.imports.bad_rows(one.id) for one in ended]),
        "files": " ".join(
            f"{key} {content.decode('utf-8', 'replace')}"
            for key, content in fake.files.stored.items()
        ),
        "queues": " ".join(encode(envelope.job) for envelope in fake.queues.sent),
        "logs": " ".join(
            f"{mask(vars(record))} {describe(record.exc_info[1]) if record.exc_info else ''}"
            for record in caplog.records
        ),
    }
