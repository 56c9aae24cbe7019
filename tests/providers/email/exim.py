"""Exim (Debian: exim4-daemon-light), a mail server that is independent of this project.

It runs on free ports of the loopback. It takes a configuration from root only, and gives up root's
rights itself. Its own user receives and stores mails. That user could not enter pytest's tmp_path.
"""

from __future__ import annotations

import email
import email.policy
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import trustme

from tests import ports
from tests.liveness import eventually

HOST = "mail.example.test"
LOGIN = ("müller@corp.example", "pässwort-密码")
LARGEST = 200_000  # bytes of a mail
PER_CONNECTION = 5  # mails, then 421
PROGRAM = shutil.which("exim4") or shutil.which("exim") or ""


def absent() -> str:
    """Return the reason why Exim cannot be used, or an empty text."""
    if not PROGRAM:
        return "exim4 is not installed (Debian: exim4-daemon-light)"
    return "" if os.geteuid() == 0 else "exim4 takes a configuration from root only"


# Before TLS only LOGIN is offered, and behind it only PLAIN, so that both are used.
_CONFIGURATION = r"""
primary_hostname = {host}
exim_user = {user}
exim_group = {group}
spool_directory = {place}/spool
log_file_path = {place}/log/%slog
log_selector = +smtp_protocol_error +smtp_syntax_error
tls_on_connect_ports = {tls_port}
tls_certificate = {place}/cert.pem
tls_privatekey = {place}/cert.pem
tls_advertise_hosts = *
smtputf8_advertise_hosts = *
message_size_limit = {largest}
smtp_accept_max_per_connection = {per_connection}
smtp_accept_queue_per_connection = 0
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
mail:
  deny   senders = stranger@corp.example
         message = 5.7.1 not your address
  accept
rcpt:
  deny   domains = !example.org
         message = relay not permitted
  deny   local_parts = nobody
         message = Unrouteable address
  deny   local_parts = enhanced
         message = 5.1.1 unknown
  deny   local_parts = full
         message = 552 5.2.2 over quota
  defer  local_parts = grey
         !condition = ${{if exists{{{place}/known}}}}
         message = 450 4.7.1 greylisted
  accept
data:
  require verify = header_syntax
          message = syntax of a header
  require verify = header_names_ascii
          message = syntax of a header's name
  accept  condition = ${{if eq{{$recipients}}{{slow@example.org}}}}
          delay = 4s
  accept
begin routers
everybody:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {place}/mail
  maildir_format
  envelope_to_add
  return_path_add
  user = {user}
  group = {group}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{{username}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_advertise_condition = ${{if !def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth1}}{{{username}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
"""


class Exim:
    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.port, self.tls_port = ports.apart(2)
        self.ca = authority.cert_pem.bytes().decode()
        self.raw: list[bytes] = []
        self._place = folder

    def mails(self, count: int) -> list[EmailMessage]:
        """Return the `count` mails that have arrived, by Envelope-to. Fail for another number."""
        eventually(lambda: len(self._files()) >= count)
        self.raw = [file.read_bytes() for file in self._files()]
        assert len(self.raw) == count
        mails = [
            email.message_from_string(raw.decode(), policy=email.policy.default) for raw in self.raw
        ]  # headers may be UTF-8
        return sorted(mails, key=lambda mail: str(mail["Envelope-to"]))

    def forget(self) -> None:
        for file in self._files():
            file.unlink()
        (self._place / "known").unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return list((self._place / "mail" / "new").glob("*"))

    def logged(self, *words: str) -> list[str]:
        lines = (self._place / "log" / "mainlog").read_text().splitlines()
        return [line for line in lines if any(map(line.__contains__, words))]

    def know(self) -> None:
        """Pretend that the greylisted sender has waited long enough."""
        (self._place / "known").touch()


@contextmanager
def running() -> Iterator[Exim]:
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exim = Exim(folder, authority)
        _furnish(folder, exim, authority)
        listen = f"127.0.0.1.{exim.port} : 127.0.0.1.{exim.tls_port}"
        process = subprocess.Popen(
            [PROGRAM, "-C", str(folder / "exim.conf"), "-bdf", "-oX", listen],
            stderr=subprocess.DEVNULL,
        )
        try:
            eventually(lambda: process.poll() is not None or _listens(exim.port))
            assert process.poll() is None
            yield exim
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def _furnish(place: Path, exim: Exim, authority: trustme.CA) -> None:
    user = next(
        entry for entry in pwd.getpwall() if entry.pw_name.endswith("exim")
    )  # Debian-exim, or exim on other systems
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(place / "cert.pem")
    settings = {
        "host": HOST,
        "place": place,
        "user": user.pw_name,
        "group": user.pw_gid,
        "tls_port": exim.tls_port,
    }
    limits = {
        "largest": LARGEST,
        "per_connection": PER_CONNECTION,
        "username": LOGIN[0],
        "password": LOGIN[1],
    }
    (place / "exim.conf").write_text(_CONFIGURATION.format(**settings, **limits))
    for folder in ("spool", "log", "mail"):
        (place / folder).mkdir()
    for path in (place, *(entry for entry in place.iterdir() if entry.name != "exim.conf")):
        os.chown(path, user.pw_uid, user.pw_gid)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
