# SPDX-License-Identifier: Apache-2.0
"""What a person gets wrong, a server that is killed, and one that asks for a key."""
import re
import subprocess
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect

from page_server import serving
from visit import BALL, STAR, Visit, wait_until_it_plays


def mistakes(browser, reel, pictures):
    with serving(reel, "--max-queue", "1") as server, Visit(browser, server.url, pictures) as visit:
        page = visit.page
        page.get_by_role("button", name="Make the clip").click()
        expect(page.locator("#prompt-error")).to_have_text("Write what the clip should show.")
        expect(page.locator("#prompt")).to_be_focused()
        page.locator("#prompt").fill(BALL)
        expect(page.locator("#prompt-error")).to_be_hidden()
        page.get_by_label("Seed").fill("twelve")
        page.get_by_role("button", name="Make the clip").click()
        expect(page.locator("#seed-error")).to_contain_text("whole number")
        page.get_by_role("button", name="Draw another").click()
        visit.set_steps(5000)
        expect(page.locator("#plan-time")).to_contain_text("Steps is 5000")
        page.get_by_role("button", name="Make the clip").click()
        expect(page.locator("#plan")).to_have_class(re.compile("pointed-at"))
        expect(page.locator("#plan")).to_be_in_viewport()
        assert "Steps is 5000" in visit.said()
        expect(page.locator("#form-error")).to_be_hidden()  # the plan says it
        visit.picture("mistake")
        visit.set_steps(100)
        for _ in range(3):
            visit.ask_for(BALL)
        expect(page.locator("#form-error")).to_contain_text("The queue is full")
        expect(page.locator("#form-error")).to_contain_text("Try again in about")
        assert len(server.videos()) <= 2


def lost_server(browser, reel, pictures):
    """It is killed until it gives the clip up; the page says what happened each time."""
    with serving(reel) as server, Visit(browser, server.url, pictures) as visit:
        page = visit.page
        visit.set_steps(100)
        page.get_by_text("Other", exact=True).click()
        for side in ("Width", "Height"):
            page.get_by_label(f"{side} in pixels").fill("256")
        visit.ask_for(BALL)
        for _ in range(3):
            while server.videos()[0]["status"] != "in_progress":
                time.sleep(0.1)
            expect(page.locator(".job:not(.waiting) progress")).to_have_attribute(
                "value", re.compile(r"[1-9]\d*"))
            server.kill()
            expect(page.locator("#offline")).to_be_visible()
            visit.picture("offline")
            server.start()
            expect(page.locator("#offline")).to_be_hidden()
        failed = page.locator(".failed")
        expect(failed).to_contain_text("The server stopped 3 times while it made this clip.")
        visit.picture("failed")
        failed.get_by_role("button", name="Change and try again").click()
        expect(page.locator("#prompt")).to_have_value(BALL)
        failed.get_by_role("button", name="Remove").click()
        expect(failed).to_have_count(0)
        assert server.videos() == []


def with_a_key(browser, reel, pictures):
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "keys"
        made = subprocess.run([reel, "serve", "--api-keys", keys, "--new-api-key", "anna"],
                              check=True, capture_output=True, text=True)
        key = made.stdout.strip()
        with serving(reel, "--api-keys", str(keys)) as server, \
                Visit(browser, server.url, pictures) as visit:
            page = visit.page
            box = page.locator("#key")
            expect(box).to_be_focused()
            visit.picture("key")
            box.fill("wrong")
            box.press("Enter")
            expect(page.locator("#key-error")).to_contain_text("The key is wrong")
            page.keyboard.press("Escape")
            expect(box).to_be_visible()
            box.fill(key)
            box.press("Enter")
            expect(page.locator("#served")).to_have_text("reel-demo")
            visit.ask_for(STAR)
            page.get_by_role("button", name=f"Open: {STAR}").click()
            wait_until_it_plays(page.locator("#viewer-video"))
            assert page.locator("#viewer-video").get_attribute("src").startswith("blob:")
            page.reload()
            expect(page.locator(".clip")).to_have_count(1)
            expect(page.locator("#key-dialog")).to_be_hidden()
