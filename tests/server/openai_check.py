# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Python client makes, lists, downloads and deletes a clip of `reel serve`.
Usage: openai_check.py REEL, with the packages of requirements.txt"""
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import openai

warnings.simplefilter("ignore", DeprecationWarning)  # OpenAI ends its own service; its client stays

from running_server import RunningServer


def check(is_so: bool, what: str):
    print(("ok    " if is_so else "WRONG ") + what)
    if not is_so:
        sys.exit(1)


with tempfile.TemporaryDirectory() as name, RunningServer(str(Path(sys.argv[1]).resolve()), Path(name), "--max-queue", "1") as server:
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0)
    video = client.videos.create(prompt="a red ball", model="sora-2", seconds="1", size="64x64",
                                 extra_body={"seed": 7})
    check(video.status == "queued" and video.object == "video" and video.seconds == "1", "create")
    video = client.videos.poll(video.id, poll_interval_ms=50)
    check(video.status == "completed" and video.progress == 100 and video.completed_at >= video.created_at, "poll")
    clip = client.videos.download_content(video.id).content
    check(clip[4:8] == b"ftyp", "download_content")
    check(client.videos.download_content(video.id, variant="spritesheet").content[:4] == b"\x89PNG", "spritesheet")
    again = client.videos.create_and_poll(prompt="a red ball", seconds="1", size="64x64", extra_body={"seed": 7},
                                          poll_interval_ms=50)
    check(again.frames_digest == video.frames_digest, "the same seed, the same frames")
    check([one.id for one in client.videos.list(limit=1)] == [again.id, video.id], "list, page by page")
    check(client.models.list().data[0].id == video.model, "models")
    try:
        client.videos.create(prompt="a cat", input_reference=("cat.png", b"PNG", "image/png"))
        check(False, "an image is refused")
    except openai.BadRequestError as error:
        check(error.param == "input_reference" and "text alone" in str(error), "an image is refused")
    page = (Path(__file__).parents[2] / "docs/SERVER.md").read_text()
    block = re.search(r"openai_check.py -->\n```python\n(.*?)```", page, re.S)[1]
    os.chdir(name)
    exec(block.replace(":8000", f":{server.port}"), {"openai": openai})
    check(Path("star.mp4").read_bytes()[4:8] == b"ftyp", "the lines of docs/SERVER.md")
    running = client.videos.create(prompt="a red ball", extra_body={"frames": 81})
    server.wait(running.id, lambda now: now["status"] == "in_progress")
    client.videos.create(prompt="a red ball")
    try:
        client.videos.create(prompt="a red ball")
        check(False, "a full queue")
    except openai.RateLimitError as error:
        check(int(error.response.headers["retry-after"]) >= 1, "a full queue")
    check(client.videos.delete(running.id).deleted, "delete")
    try:
        client.videos.retrieve(running.id)
        check(False, "a deleted video is gone")
    except openai.NotFoundError:
        check(True, "a deleted video is gone")
