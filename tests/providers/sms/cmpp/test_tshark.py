"""The traffic between provider and gateway, read by Wireshark's dissector.

Skipped without tshark.

Wireshark knows the layout of version 3 only. Of version 2 it reads headers, CONNECT and messages
without a body.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.provider_io import Account, OutgoingCall, Recipient
from chalicelib.providers.sms.cmpp.gateway import Gateway
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.providers.sms.cmpp.session import CmppSession
from chalicelib.providers.sms.cmpp.settings import Settings
from chalicelib.providers.sms.cmpp.waits import Waits
from chalicelib.web.egress import Policy
from tests.liveness import PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running

TSHARK, TEXT2PCAP = (shutil.which(name) or "" for name in ("tshark", "text2pcap"))
pytestmark = pytest.mark.skipif(not (TSHARK and TEXT2PCAP), reason="tshark is not installed")

PORT = 7890  # as in the packets' headers
LOGIN = {"account": "900001", "password": "secret"}
GROUP = (
    20  # numbers: Wireshark takes no message of more than about 1,000 bytes, which one to 99 has
)
TEXTS = ("hello", "你好", "a" * 200, "长" * 150)
REPORTS = 1 + GROUP + 2 + 3  # one for each part and number


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


class Relay:
    """A TCP relay on a port of its own.

    It keeps the traffic in the order and the pieces of its arrival.
    """

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._to = port
        self.port = int(self._listener.getsockname()[1])
        self.pieces: list[tuple[str, bytes]] = []  # O from us, I from the gateway
        self._keeping = threading.Lock()

    def run(self) -> None:
        """Relay one connection, until both sides have closed it."""
        near, _ = self._listener.accept()
        with near, socket.create_connection(("127.0.0.1", self._to)) as far:
            back = threading.Thread(target=self._pass_on, args=("I", far, near))
            back.start()
            self._pass_on("O", near, far)
            back.join()

    def _pass_on(self, way: str, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                with self._keeping:
                    self.pieces.append((way, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def save(self, file: Path) -> None:
        """Write the traffic as packets with headers of Ethernet, IP and TCP."""
        hexes = "".join(f"{way}\n0 {data.hex(' ')}\n" for way, data in self.pieces)
        subprocess.run(
            [TEXT2PCAP, "-q", "-D", "-T", f"40000,{PORT}", "-", str(file)],
            input=hexes,
            text=True,
            check=True,
        )

    def heard(self) -> bytes:
        with self._keeping:
            return b"".join(data for way, data in self.pieces if way == "I")


def open_gateway(port: int, version: str) -> tuple[Gateway, Settings]:
    options = {
        "server": "127.0.0.1",
        "port": port,
        "access_number": "10690001",
        "version": version,
        "service_code": "PAY",
    }
    cmpp = Cmpp(Policy(("127.0.0.1",)), PATIENCE, Waits(tick=0.05, idle=0.3))
    settings = cmpp.settings(Account("c", LOGIN, options))
    gateway = cmpp.gateway("c", settings.line, lambda incoming: incoming.answer(0))
    gateway.start()
    return gateway, settings


def talk(sandbox: Sandbox, version: str, file: Path) -> None:
    """Make every exchange that the protocol has, and keep the traffic in a file."""
    sandbox.register("cmpp", LOGIN["account"])
    relay = Relay(sandbox.about["cmpp_port"])
    thread = threading.Thread(target=relay.run)
    thread.start()
    gateway, settings = open_gateway(relay.port, version)
    session = CmppSession(gateway, settings, 2.0)
    for n, text in enumerate(TEXTS):
        numbers = [f"138{n:04d}{m:04d}" for m in range(1000, 1000 + (GROUP if n == 1 else 1))]
        answer = session.send(
            OutgoingCall("m", [Recipient(number, {"content": text}) for number in numbers])
        )
        assert all(outcome.provider_id for outcome in answer.outcomes)
    sandbox.ask(
        "POST",
        "/_sandbox/cmpp/reply",
        json={"account": "900001", "from": "13800138000", "text": "TD"},
    )
    eventually(lambda: relay.heard().count(b"DELIVRD") == REPORTS)
    eventually(lambda: b"\x80\0\0\x08" in relay.heard())  # to an idle connection's test
    gateway.stop()
    thread.join(10)
    assert not thread.is_alive()
    relay.save(file)


def dissect(file: Path, *options: str) -> str:
    # SMPP's headers look alike, and Wireshark would guess.
    command = [
        TSHARK,
        "-r",
        str(file),
        "-d",
        f"tcp.port=={PORT},cmpp",
        "--disable-protocol",
        "smpp",
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def packets(file: Path) -> list[dict[str, Any]]:
    """Return every CMPP message. A segment may hold several."""
    messages: list[dict[str, Any]] = []
    for packet in json.loads(dissect(file, "-Y", "cmpp", "-T", "json", "--no-duplicate-keys")):
        layers = packet["_source"]["layers"]["cmpp"]
        messages += layers if isinstance(layers, list) else [layers]
    return messages


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_wireshark_reads_every_message_without_an_error(
    sandbox: Sandbox, tmp_path: Path, version: str
) -> None:
    file = tmp_path / "cmpp.pcap"
    talk(sandbox, version, file)
    if version == "3.0":
        assert dissect(file, "-Y", "_ws.malformed or cmpp and _ws.expert.severity >= 6291456") == ""
    commands = Counter(int(message["cmpp.Command_Id"], 16) for message in packets(file))
    assert {commands[message] for message in (0x1, 0x80000001, 0x2, 0x80000002)} == {1}
    assert commands[0x4] == commands[0x80000004] == 1 + 1 + 2 + 3
    assert commands[0x5] == commands[0x80000005] == REPORTS + 1
    assert commands[0x8] == commands[0x80000008] >= 1
    assert len(commands) == 10


# Number of parts, part, header and format of the two long texts.
LONG = (
    ("2", "1", "1", "0"),
    ("2", "2", "1", "0"),
    ("3", "1", "1", "8"),
    ("3", "2", "1", "8"),
    ("3", "3", "1", "8"),
)


def test_wireshark_reads_the_fields_that_we_wrote(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "cmpp.pcap"
    talk(sandbox, "3.0", file)
    messages = packets(file)
    submits = [message for message in messages if int(message["cmpp.Command_Id"], 16) == 4]
    assert {message["cmpp.Servicd_Id"] for message in submits} == {"PAY"}  # Wireshark's spelling
    assert {
        (message["cmpp.submit.Msg_src"], message["cmpp.submit.Src_Id"]) for message in submits
    } == {("900001", "10690001")}
    names = ("cmpp.submit.Pk_total", "cmpp.submit.Pk_number", "cmpp.TP_udhi", "cmpp.Msg_Fmt")
    parts = [tuple(map(submit.get, names)) for submit in submits]
    assert parts == [("1", "1", "0", "0"), ("1", "1", "0", "8"), *LONG]
    sizes = [submit["cmpp.submit.DestUsr_tl"] for submit in submits]
    assert sizes == ["1", str(GROUP), "1", "1", "1", "1", "1"]
    assert submits[1]["cmpp.Dest_terminal_Id"][-1] == f"1380001{1000 + GROUP - 1}"
    answers = [message for message in messages if int(message["cmpp.Command_Id"], 16) == 0x80000004]
    assert {message["cmpp.submit_resp.Result"] for message in answers} == {"0"}
    states = (
        dissect(file, "-T", "fields", "-e", "cmpp.deliver.Report.Status").replace(",", " ").split()
    )
    assert set(states) == {"DELIVRD"}
    assert len(states) == REPORTS
