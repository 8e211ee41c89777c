# SPDX-License-Identifier: Apache-2.0
"""Who may ask: the key file of ``reel serve``, which has a line per key, "NAME SHA-256"."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

from ..errors import BadFile, InvalidArgument, NotFound, WriteFailure

_MOST_FILE_BYTES = 1 << 20
_LINE = re.compile(rb"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,63})\s+([0-9a-f]{64})\s*")
_HINT = "reel serve --new-api-key NAME adds "


@dataclass(frozen=True)
class ApiKeys:
    """Names, each with the SHA-256 of its key in hexadecimal digits: no key can be told from them.
    Keys are random, so a slow hash would add nothing. Empty: nobody needs a key."""

    digests: Tuple[Tuple[str, str], ...] = ()

    def name_of(self, key: bytes) -> Optional[str]:
        """The name of the key; takes the same time for every wrong one."""
        digest = hashlib.sha256(key).hexdigest()
        found = None
        for name, known in self.digests:
            if hmac.compare_digest(known, digest):
                found = name
        return found


def read_keys(path: Path) -> ApiKeys:
    """Raises reel.NotFound, reel.WriteFailure where it cannot be read, and reel.BadFile naming the
    line."""
    if path.exists() and not path.is_file():
        raise WriteFailure(f'"{path}" is not a regular file.')
    try:
        text = path.read_bytes()
    except OSError as error:
        kind = NotFound if isinstance(error, (FileNotFoundError, NotADirectoryError)) else WriteFailure
        raise kind(f'Cannot open "{path}": {error.strerror}.') from None
    if len(text) > _MOST_FILE_BYTES:
        raise BadFile(f'"{path}" has {len(text):,} bytes; at most {_MOST_FILE_BYTES:,} are expected.')
    digests = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line or line.startswith(b"#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadFile(f'Line {number} of the key file "{path}" is not a name and a SHA-256.',
                          f"{_HINT}such lines.")
        digests.append((match[1].decode(), match[2].decode()))
    if not digests:
        raise BadFile(f'The key file "{path}" has no key.', f"{_HINT}one.")
    return ApiKeys(tuple(digests))


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is this machine's alone."""
    if host in ("localhost", "::1"):
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def keys_for(host: str, file: str) -> ApiKeys:
    """The keys of a server that listens on `host`.

    Args:
        file: the key file; empty: none.

    Raises:
        reel.InvalidArgument: other machines reach it, and there is no file.
        reel.NotFound, reel.BadFile, reel.WriteFailure: as :func:`read_keys`.
    """
    if file:
        return read_keys(Path(file))
    if not is_loopback(host):
        raise InvalidArgument(
            f"--host is {host}, which other machines can reach, and no --api-keys were given.",
            "Make a key: reel serve --api-keys FILE --new-api-key NAME.")
    return ApiKeys()
