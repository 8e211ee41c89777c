# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of the Python package, as it is imported: PYTHONPATH=build/python, or
installed by pip."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

# Read by the library when it needs them: nothing of the user's is used or changed.
_folder = tempfile.TemporaryDirectory(prefix="reel-python-")
for _name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
    os.environ[_name] = str(Path(_folder.name) / _name)

import reel.program  # noqa: E402

PROMPT = "a red ball moves to the right over a night sky"


def run_program(*args: object, **options: object) -> "subprocess.CompletedProcess[str]":
    """The program that comes with the package."""
    return subprocess.run(
        [reel.program.path(), *map(str, args)], capture_output=True, text=True, **options
    )


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model in the layout of the published FP8 one: root, and distill_fp8 in it."""
    folder = tmp_path_factory.mktemp("model") / "model"
    sizes = {
        "dim": 128, "ffn-dim": 128, "layers": 1, "text-dim": 64, "t5-ffn-dim": 64,
        "t5-layers": 1, "t5-vocab": 512, "vae-base": 8,
        "width": 32, "height": 16, "frames": 5,
    }
    flags = [text for name, size in sizes.items() for text in (f"--{name}", size)]
    made = run_program("synth", "--layout", "distill_fp8", *flags, "--out", folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def tiny_tae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random TAE, for latents of any model."""
    folder = tmp_path_factory.mktemp("tae") / "tae"
    made = run_program("synth", "--layout", "decoder:taew2_1.pth", "--out", folder)
    assert made.returncode == 0, made.stderr
    return next(folder.iterdir())


@pytest.fixture(scope="session")
def tiny_lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random LoRA for tiny_model."""
    folder = tmp_path_factory.mktemp("lora") / "lora"
    made = run_program(
        "synth", "--layout", "lora:lightx2v", "--dim", 128, "--ffn-dim", 128, "--layers", 1,
        "--text-dim", 64, "--out", folder,
    )
    assert made.returncode == 0, made.stderr
    return next(folder.iterdir())
