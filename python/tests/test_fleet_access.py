# SPDX-License-Identifier: Apache-2.0
"""Whom a fleet lets ask: with the key file, the words and the exit codes of `reel serve`. No Ray."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest
import reel
from reel.fleet.gate import check_key, check_origin
from reel.fleet.keys import ApiKeys, is_loopback, keys_for, read_keys
from reel.fleet.requests import ApiError

from conftest import run_program

DIGEST = "0" * 64


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, str, str]:
    """Made by `reel serve`, and the keys of anna and ben."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    keys = []
    for name in ("anna", "ben"):
        made = run_program("serve", "--api-keys", file, "--new-api-key", name)
        assert made.returncode == 0, made.stderr
        keys.append(made.stdout.strip())
    return file, keys[0], keys[1]


def run_fleet(*flags: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "reel.fleet", *flags], capture_output=True, text=True)


def sentence(stderr: str) -> str:
    """Without the program's name, on one line."""
    return " ".join(stderr.split()).split(": ", 1)[1].removeprefix("error: ")


def test_a_key_of_the_server_has_its_name(key_file: Tuple[Path, str, str]) -> None:
    file, anna, ben = key_file
    keys = read_keys(file)
    assert (keys.name_of(anna.encode()), keys.name_of(ben.encode())) == ("anna", "ben")
    for wrong in (b"", anna[:-1].encode(), anna.upper().encode(), b"\xff", keys.digests[0][1].encode()):
        assert keys.name_of(wrong) is None
    assert anna not in file.read_text() + repr(keys)


@pytest.mark.parametrize(
    "flags",
    [
        ("--host", "0.0.0.0"),
        ("--host", "::"),
        ("--host", "192.168.1.7"),
        ("--api-keys", "missing"),
        ("--api-keys", "empty"),
        ("--api-keys", "comments", "--host", "0.0.0.0"),
        ("--api-keys", "key"),
        ("--api-keys", "short"),
        ("--api-keys", "name"),
        ("--api-keys", "more"),
        ("--api-keys", "large"),
        ("--api-keys", "."),
    ],
    ids=" ".join,
)
def test_it_refuses_as_the_server_does(
    flags: Tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("empty", ""),
        ("comments", "# nobody\n\n"),
        ("key", f"anna {DIGEST}\nben rk-{DIGEST}\n"),
        ("short", f"anna {DIGEST[1:]}\n"),
        ("name", f"an/na {DIGEST}\n"),
        ("more", f"anna {DIGEST} x\n"),
        ("large", "#" * 2**20 + "\n"),
    ):
        (tmp_path / name).write_text(text)
    server, fleet = run_program("serve", "--data", "data", *flags), run_fleet(*flags)
    assert fleet.returncode == server.returncode in (2, 4, 5, 8)
    assert sentence(fleet.stderr) == sentence(server.stderr)
    assert fleet.stdout == ""


def test_addresses_of_this_machine_alone_need_no_key() -> None:
    for near in ("localhost", "127.0.0.1", "127.1.2.3", "::1"):
        assert is_loopback(near)
        assert keys_for(near, "") == ApiKeys()
    for far in ("0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.org", "example.org", ""):
        assert not is_loopback(far)
        with pytest.raises(reel.InvalidArgument, match="no --api-keys were given"):
            keys_for(far, "")


def test_a_key_is_asked_for_where_there_are_keys(key_file: Tuple[Path, str, str]) -> None:
    file, anna, _ = key_file
    keys = read_keys(file)
    assert check_key("", ApiKeys()) == ""
    assert check_key(f"Bearer {anna}", keys) == "anna"
    for header, words in (
        ("", 'A key is needed: "Authorization: Bearer KEY".'),
        (f"Bearer {anna}x", "The key is wrong."),
        (f"bearer {anna}", "The key is wrong."),
        (f"Basic {anna}", "The key is wrong."),
        (anna, "The key is wrong."),
        ("Bearer ", "The key is wrong."),
        ("Bearer \xff\xfe", "The key is wrong."),
    ):
        with pytest.raises(ApiError) as caught:
            check_key(header, keys)
        error = caught.value
        assert (error.status, error.code, error.message) == (401, "invalid_api_key", words)


def test_a_request_names_this_server_as_its_host() -> None:
    names = {"fleet.example.org"}
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "FLEET.example.org:80"):
        check_origin(host, None, names)
        check_origin(host, f"http://{host}", names)
    for host, origin in (
        ("", None),
        ("evil.org", None),
        ("localhost.evil.org", None),
        ("localhost@evil.org", None),
        ("localhost", "http://evil.org"),
        ("localhost", "null"),
    ):
        with pytest.raises(ApiError) as caught:
            check_origin(host, origin, names)
        assert caught.value.status == 403
    with pytest.raises(ApiError):
        check_origin("", None, {""})  # no name that is given stands for none
