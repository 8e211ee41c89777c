# SPDX-License-Identifier: Apache-2.0
"""Every block of Python in docs/PYTHON.md runs, with a tiny model in the place of /models."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path

import pytest
import reel
import reel.program

from conftest import run_program

PAGE = (Path(__file__).parents[2] / "docs/PYTHON.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


MODEL = "/models/Wan2.1-T2V-14B-StepDistill"


def run_block(block: str, model: Path, lora: Path) -> dict:
    script = Path("script.py")
    script.write_text(
        block.replace(MODEL, str(model)).replace("/models/lora.safetensors", str(lora))
    )
    return runpy.run_path(str(script))


# A ReelWarning that says so: a tiny model is run at the size of the published one.
@pytest.mark.filterwarnings("ignore:The model was trained at")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"block{BLOCKS.index(block)}")
def test_block_runs(
    block: str, tiny_model: Path, tiny_lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # As it stands, that clip takes half a minute: below.
    names = run_block(block.replace("num_frames=81", "num_frames=1"), tiny_model, tiny_lora)
    for out in re.findall(r'(?:out|save_result_path)="([^"{]+)"', block):
        assert (tmp_path / out).stat().st_size > 0
    if "clip" in names:
        assert names["clip"].frame_count > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The model was trained at")
@pytest.mark.parametrize("folder", ["", "distill_fp8"])
def test_the_calls_of_lightx2v_run_as_they_stand(
    folder: str, tiny_model: Path, tiny_lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = [block for block in BLOCKS if "create_generator" in block]
    monkeypatch.chdir(tmp_path)
    run_block(block, tiny_model / folder, tiny_lora)
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-count_packets", "-show_entries",
         "stream=width,height,nb_read_packets", "-of", "csv=p=0", "output.mp4"],
        capture_output=True, text=True, check=True,
    )
    assert probed.stdout.strip() == "832,480,81"


def test_the_calls_of_lightx2v_make_a_clip_of_the_demo_model(
    tiny_lora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = [block for block in BLOCKS if "create_generator" in block]
    for own, of_the_model in (("height=480", "height=128"), ("width=832", "width=128"),
                              ("num_frames=81", "num_frames=33")):
        block = block.replace(own, of_the_model)
    monkeypatch.chdir(tmp_path)
    demo = Path(reel.program.path()).parents[1] / "share/reel/demo"
    run_block(block, demo, tiny_lora)
    replayed = run_program("replay", "--quiet", "output.mp4")
    assert replayed.stdout == "equal\n", replayed.stderr


def test_the_page_has_blocks_and_every_class() -> None:
    assert len(BLOCKS) >= 6
    classes = [name for name in reel.__all__ if isinstance(getattr(reel, name), type)]
    for name in classes:
        if issubclass(getattr(reel, name), reel.Error) and name != "Error":
            assert f"| `reel.{name}` |" in PAGE
