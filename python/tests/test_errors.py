# SPDX-License-Identifier: Apache-2.0
"""What is raised: the class of Reel, the built-in one, and both sentences."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Dict

import pytest
import reel
from reel import _reel, errors


def damage(model: Path) -> None:
    block = model / "distill_fp8" / "block_0.safetensors"
    block.write_bytes(block.read_bytes()[:-1000])


@pytest.mark.parametrize(
    "arguments, raised, built_in, words",
    [
        ({"prompt": ""}, reel.InvalidArgument, ValueError, "The prompt is empty."),
        ({"image": "cat.png"}, reel.InvalidArgument, ValueError, "image was given, but Reel makes"),
        ({"fps": 0}, reel.InvalidArgument, ValueError, "fps is 0"),
        ({"sampler": "heun"}, reel.InvalidArgument, ValueError, "heun"),
        ({"out": "absent/clip.mp4"}, reel.WriteFailure, OSError, "there is no folder"),
        ({"out": "clip.avi"}, reel.Unsupported, NotImplementedError, ".avi"),
        ({"out": "there.mp4"}, reel.InvalidArgument, ValueError, "exists already"),
    ],
)
def test_of_a_request(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Dict[str, Any],
    raised: type, built_in: type, words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.mp4").touch()
    pipeline = reel.Pipeline(tiny_model, device="cpu")
    with pytest.raises(raised, match=words) as caught:
        pipeline.generate(**{"prompt": "a ball", **arguments})
    assert isinstance(caught.value, built_in) and isinstance(caught.value, reel.Error)
    assert str(caught.value) == f"{caught.value.what} {caught.value.hint}".strip()
    assert os.listdir() == ["there.mp4"]


def test_of_a_model_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match="absent-model") as caught:
        reel.Pipeline("absent-model").generate("a ball")
    assert isinstance(caught.value, reel.NotFound) and caught.value.hint


def test_of_a_damaged_model(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    damage(model)
    with pytest.raises(reel.BadFile, match="block_0.safetensors"):
        reel.Pipeline(model, device="cpu").generate("a ball")


def test_of_names_that_are_not_utf8(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / os.fsdecode(b"mod\xe8le")
    shutil.copytree(tiny_model, model)
    clip = reel.Pipeline(model, device="cpu").generate("a ball", out=tmp_path / os.fsdecode(b"\xe8"))
    assert clip.path is not None and Path(clip.path).is_dir()
    damage(model)
    with pytest.raises(reel.BadFile) as caught:
        reel.Pipeline(model, device="cpu").generate("a ball")
    assert str(model) in str(caught.value)


@pytest.mark.parametrize(
    "said, words",
    [
        ("Add --force to replace it.", "Add overwrite=True to replace it."),
        ("Use --size 832x480, or --frames 49.", "Use width=832, height=480, or frames=49."),
        ("1280 wide x 720 high (--size 1280x720)", "1280 wide x 720 high (width=1280, height=720)"),
        ("Use a smaller --size or fewer --frames.",
         "Use a smaller width and height or fewer frames."),
        ("or say where it is with --text-encoder, --vae", "or say where it is with text_encoder, vae"),
        ("Try --vram 12GiB.", "Try vram_bytes 12GiB."),
        ("Get it with: reel pull a-b --revision main", "Get it with: reel pull a-b --revision main"),
        ("Continue with: reel generate --resume 7-a", 'Continue with: reel.resume("7-a")'),
        ("There is nothing -- at all.", "There is nothing -- at all."),
    ],
)
def test_flags_of_the_program_are_arguments(said: str, words: str) -> None:
    error = errors.make("invalid argument", "What.", said)
    assert error.hint == words
    assert error.job_id == ("7-a" if "--resume" in said else None)


def test_every_code_of_the_library_has_its_class() -> None:
    table = {
        "invalid argument": ValueError,
        "not found": FileNotFoundError,
        "bad file": reel.BadFile,
        "out of memory": MemoryError,
        "unsupported": NotImplementedError,
        "device failure": RuntimeError,
        "input/output": OSError,
        "network": ConnectionError,
        "busy": reel.Busy,
        "cancelled": reel.Cancelled,
        "internal": RuntimeError,
    }
    assert set(_reel.error_codes) == set(table)
    for code, built_in in table.items():
        made = errors.make(code, "What.", "Hint.")
        assert isinstance(made, built_in) and str(made).startswith("What. Hint.")
    assert "reel doctor" in str(errors.make("internal", "What.", ""))
