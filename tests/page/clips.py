# SPDX-License-Identifier: Apache-2.0
"""Clips that are asked for, watched, kept, repeated, queued and cancelled."""
import json
import re
import time
from pathlib import Path

from playwright.sync_api import expect

from page_server import Server, serving
from visit import BALL, HEART, STAR, Visit, pixels, wait_until_it_plays


def first_visit(browser, reel, pictures):
    with serving(reel) as server, Visit(browser, server.url, pictures) as visit:
        page = visit.page
        expect(page.locator("#empty")).to_be_visible()
        expect(page.locator("#prompt")).to_be_focused()
        expect(page.get_by_role("radio", name="128 \u00d7 128")).to_be_checked()
        expect(page.locator("#length")).to_have_text("2 s \u00b7 33 frames")
        assert re.fullmatch(r"\d+", page.get_by_label("Seed").input_value())
        memory = page.locator("#plan-memory")
        expect(memory).to_contain_text(re.compile(r"[\d.]+ [MG]iB of GPU memory"))
        before = memory.inner_text()
        visit.picture("empty")
        # Another size is planned anew, and the model says what it thinks of it.
        page.get_by_text("Other", exact=True).click()
        page.get_by_label("Width in pixels").fill("832")
        page.get_by_label("Height in pixels").fill("480")
        expect(page.locator("#plan-notes")).to_contain_text("trained at 128x128")
        expect(memory).not_to_have_text(before)


def make_watch_and_keep(browser, reel, pictures):
    with serving(reel) as server, Visit(browser, server.url, pictures,
                                        permissions=["clipboard-read", "clipboard-write"],
                                        accept_downloads=True) as visit:
        page = visit.page
        visit.set_steps(60)
        visit.ask_for(STAR)
        job = page.locator(".job")
        expect(job.locator("progress")).to_have_attribute("value", re.compile(r"[1-9]\d*"))
        expect(job.locator("canvas")).to_be_visible()
        first = pixels(job.locator("canvas"))
        assert max(first) - min(first[0::4]) > 50, "the preview is of one colour"
        expect(job.locator(".phase")).to_contain_text(re.compile(r"Step \d+ of 60, .*left|almost"))
        assert re.search(r"\d+ % \u00b7 Reel", page.title()), page.title()
        visit.picture("running")
        expect(page.locator(".clip")).to_have_count(1)
        expect(page.locator("#now")).to_be_hidden()
        assert visit.said() == f"The clip is ready: {STAR}", visit.said()
        watch(visit, server)
        repeat(visit, server)


def watch(visit: Visit, server: Server):
    page = visit.page
    [video] = server.videos()
    card = page.get_by_role("button", name=f"Open: {STAR}")
    card.focus()
    page.keyboard.press("Enter")
    film = page.locator("#viewer-video")
    wait_until_it_plays(film)
    assert film.evaluate("v => [v.videoWidth, v.videoHeight, v.loop]") == [128, 128, True]
    expect(page.locator("#viewer-facts")).to_contain_text(video["seed"])
    visit.picture("viewer")
    page.get_by_role("button", name="Copy recipe").click()
    expect(page.locator("#toast")).to_contain_text("recipe")
    recipe = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert recipe == json.loads(server.get(f"/v1/videos/{video['id']}/recipe"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"a-yellow-star-bounces-over-a-{video['seed']}.mp4"
    content = Path(download.value.path()).read_bytes()
    assert content == server.get(f"/v1/videos/{video['id']}/content")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    expect(card).to_be_focused()


def repeat(visit: Visit, server: Server):
    """The same settings give the same clip; then both are deleted."""
    page = visit.page
    page.locator("#prompt").fill("")
    page.get_by_label("Seed").fill("1")
    page.locator(".open").first.click()
    page.get_by_role("button", name="Use these settings").click()
    expect(page.locator("#prompt")).to_have_value(STAR)
    page.get_by_role("button", name="Make the clip").click()
    expect(page.locator(".clip")).to_have_count(2)
    digests = {video["frames_digest"] for video in server.videos()}
    assert len(digests) == 1, digests
    for left in (1, 0):
        page.locator(".open").first.click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete for good?").click()
        expect(page.locator(".clip")).to_have_count(left)
    assert server.videos() == []
    expect(page.locator("#gallery-title")).to_be_focused()


def queue_and_cancel(browser, reel, pictures):
    with serving(reel) as server, Visit(browser, server.url, pictures) as visit:
        page = visit.page
        visit.set_steps(80)
        for prompt in (BALL, STAR, HEART):
            visit.ask_for(prompt)
        expect(page.locator(".job")).to_have_count(3)
        seeds = {video["seed"] for video in server.videos()}
        assert len(seeds) == 3, "a new seed for every clip"
        expect(page.locator(".job.waiting")).to_have_count(2)
        expect(page.locator(".job", has_text=STAR)).to_contain_text("Waiting for 1 clip before it")
        expect(page.locator(".job", has_text=HEART)).to_contain_text("Waiting for 2 clips before it")
        expect(page.locator(".job canvas").first).to_be_visible()
        visit.picture("queue")
        start = time.monotonic()
        page.get_by_role("button", name=f"Cancel: {BALL}").click()
        expect(page.locator(".job", has_text=BALL)).to_have_count(0)
        assert time.monotonic() - start < 5
        expect(page.locator("#toast")).to_have_text("Cancelled.")
        expect(page.locator(".job", has_text=HEART)).to_contain_text("Waiting for 1 clip before it")
        page.get_by_role("button", name=f"Cancel: {HEART}").click()
        expect(page.get_by_role("button", name=f"Open: {STAR}")).to_be_visible()
        assert [video["prompt"] for video in server.videos()] == [STAR]
