"""The traffic between provider and gateway as Wireshark's dissector reads it. Skipped where there is no tshark that may capture.

Wireshark knows the layout of version 3 only; of version 2 it reads headers and CONNECT.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.sending import Account, OutgoingCall, Recipient
from chalicelib.providers.sms.cmpp import Cmpp
from chalicelib.web.egress import Policy
from tests.providers.sandboxes import Sandbox, eventually, running

TSHARK = shutil.which("tshark") or ""
pytestmark = pytest.mark.skipif(not TSHARK, reason="tshark is not installed")

LOGIN = {"account": "900001", "password": "secret"}
GROUP = 20  # numbers: Wireshark takes no message of more than about 1,000 bytes, which one to 99 has
TEXTS = ("hello", "你好", "a" * 200, "长" * 150)


@contextmanager
def captured(port: int, file: Path) -> Iterator[None]:
    """What goes over this port of the loopback, in a file."""
    command = [TSHARK, "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", str(file)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "Capturing on" in line:
            break
    else:
        pytest.skip("tshark may not capture here")
    eventually(lambda: file.is_file())
    time.sleep(0.5)  # it says so a little before it does so
    try:
        yield
        time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def talk(sandbox: Sandbox, version: str) -> None:
    where = {
        "server": "127.0.0.1",
        "port": sandbox.about["cmpp_port"],
        "access_number": "10690001",
        "version": version,
        "service_code": "PAY",
    }
    with Cmpp(Policy(("127.0.0.1",)), 2.0).connect(Account("c", LOGIN, where)) as session:
        for n, text in enumerate(TEXTS):
            numbers = [f"138{n:04d}{m:04d}" for m in range(1000, 1000 + (GROUP if n == 1 else 1))]
            answer = session.send(OutgoingCall("m", [Recipient(number, {"content": text}) for number in numbers]))
            assert all(outcome.provider_id for outcome in answer.outcomes)
        sandbox.ask("POST", "/_sandbox/cmpp/reply", json={"account": "900001", "from": "13800138000", "text": "TD"})
        time.sleep(0.5)


def dissect(port: int, file: Path, *options: str) -> str:
    # SMPP's headers look alike, and Wireshark would guess.
    command = [TSHARK, "-r", str(file), "-d", f"tcp.port=={port},cmpp", "--disable-protocol", "smpp", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def packets(port: int, file: Path) -> list[dict[str, Any]]:
    """Every CMPP message: a segment may hold several."""
    found: list[dict[str, Any]] = []
    for packet in json.loads(dissect(port, file, "-Y", "cmpp", "-T", "json", "--no-duplicate-keys")):
        layers = packet["_source"]["layers"]["cmpp"]
        found += layers if isinstance(layers, list) else [layers]
    return found


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_wireshark_reads_every_message_without_an_error(tmp_path: Path, version: str) -> None:
    file = tmp_path / "cmpp.pcapng"
    with running() as sandbox:
        port = int(sandbox.about["cmpp_port"])
        sandbox.register("cmpp", LOGIN["account"])
        with captured(port, file):
            talk(sandbox, version)
    if version == "3.0":
        assert dissect(port, file, "-Y", "_ws.malformed or cmpp and _ws.expert.severity >= 6291456") == ""
    commands = Counter(int(each["cmpp.Command_Id"], 16) for each in packets(port, file))
    assert {commands[each] for each in (0x1, 0x80000001, 0x2, 0x80000002)} == {1}
    assert commands[0x4] == commands[0x80000004] == 1 + 1 + 2 + 3
    assert commands[0x5] >= 1


def test_wireshark_reads_the_fields_that_we_wrote(tmp_path: Path) -> None:
    file = tmp_path / "cmpp.pcapng"
    with running() as sandbox:
        port = int(sandbox.about["cmpp_port"])
        sandbox.register("cmpp", LOGIN["account"])
        with captured(port, file):
            talk(sandbox, "3.0")
    found = packets(port, file)
    submits = [each for each in found if int(each["cmpp.Command_Id"], 16) == 4]
    assert {each["cmpp.Servicd_Id"] for each in submits} == {"PAY"}  # Wireshark's spelling
    assert {(each["cmpp.submit.Msg_src"], each["cmpp.submit.Src_Id"]) for each in submits} == {("900001", "10690001")}
    parts = [(each["cmpp.submit.Pk_total"], each["cmpp.submit.Pk_number"], each["cmpp.TP_udhi"], each["cmpp.Msg_Fmt"]) for each in submits]
    long = [("2", "1", "1", "0"), ("2", "2", "1", "0"), ("3", "1", "1", "8"), ("3", "2", "1", "8"), ("3", "3", "1", "8")]
    assert parts == [("1", "1", "0", "0"), ("1", "1", "0", "8"), *long]
    assert [each["cmpp.submit.DestUsr_tl"] for each in submits] == ["1", str(GROUP), "1", "1", "1", "1", "1"]
    assert submits[1]["cmpp.Dest_terminal_Id"][-1] == f"1380001{1000 + GROUP - 1}"
    answers = [each for each in found if int(each["cmpp.Command_Id"], 16) == 0x80000004]
    assert {each["cmpp.submit_resp.Result"] for each in answers} == {"0"}
    states = dissect(port, file, "-T", "fields", "-e", "cmpp.deliver.Report.Status").replace(",", " ").split()
    assert set(states) == {"DELIVRD"}
    assert len(states) >= len(TEXTS)
