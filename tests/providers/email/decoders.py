"""Programs of others that read mails: Perl's core modules, and Python's oldest ones.

Perl is a part of Debian's base, and git needs it. Without it the tests fail and say so.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from email.header import decode_header, make_header

_PERL = """
use strict; use warnings; binmode STDIN; binmode STDOUT, ":utf8"; local $/ = "\\0";
use Encode qw(decode); use MIME::QuotedPrint qw(decode_qp);
while (my $raw = <STDIN>) {{ chomp $raw; {action}; print $text, "\\0" }}
"""
_HEADER = 'my $text = decode("MIME-Header", $raw)'
_QUOTED_PRINTABLE = 'my $text = decode("UTF-8", decode_qp($raw))'


def perl_headers(raw: Sequence[bytes]) -> list[str]:
    """Decode the values of headers by Encode::MIME::Header."""
    return _perl(_HEADER, raw)


def perl_quoted_printable(raw: Sequence[bytes]) -> list[str]:
    """Decode bodies in quoted-printable by MIME::QuotedPrint."""
    return _perl(_QUOTED_PRINTABLE, raw)


def _perl(action: str, raw: Sequence[bytes]) -> list[str]:
    program = shutil.which("perl")
    assert program, "perl is not installed (Debian: perl)"
    done = subprocess.run(
        [program, "-e", _PERL.format(action=action)],
        input=b"\0".join(raw) + b"\0",
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout.decode().split("\0")[:-1]


def python_header(raw: bytes) -> str:
    """Decode the value of a header by email.header, which mail lists use."""
    return str(make_header(decode_header(raw.decode())))
