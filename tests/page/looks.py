# SPDX-License-Identifier: Apache-2.0
"""First looks at several seeds, and clips that are held."""
import json
import time
import urllib.request

from playwright.sync_api import expect

from page_server import Server, serving
from visit import BALL, HEART, STAR, WAIT_MS, Visit, pixels


def scouting(browser, reel, pictures):
    with serving(reel) as server, Visit(browser, server.url, pictures) as visit:
        page = visit.page
        page.get_by_label("What should the clip show?").fill(HEART)
        page.get_by_role("button", name="Try 4 seeds").click()
        looks = page.locator(".look")
        expect(looks).to_have_count(4)
        for at in range(4):
            expect(looks.nth(at).get_by_role("button")).to_be_enabled()
        assert len({tuple(pixels(looks.nth(at).locator("canvas"))) for at in range(4)}) == 4
        expect(page.locator(".clip, .job")).to_have_count(0)
        visit.picture("looks")
        held = {video["id"]: video for video in server.videos()}
        assert [(video["held"], video["look_after"], video["previews"]) for video in held.values()] == [(True, 1, 1)] * 4
        seed = looks.nth(2).locator(".seed").inner_text().removeprefix("Seed ")
        looks.nth(2).get_by_role("button", name="Make the clip of seed").click()
        expect(page.locator(".clip")).to_have_count(1)
        expect(looks.nth(2).get_by_role("button")).to_be_disabled()
        [video] = [video for video in server.videos() if not video["held"]]
        assert (video["seed"], video["steps"], video["status"]) == (seed, 4, "completed"), video
        assert video["id"] in held  # it went on
        page.get_by_role("button", name="Close").click()
        expect(page.locator("#board")).to_be_hidden()
        expect(page.locator("#prompt")).to_be_focused()
        assert [video["id"] for video in server.videos()] == [video["id"]]  # nothing of the others is left
        expect(page.locator(".clip")).to_have_count(1)
        leave_looks(visit, server, video["id"])


def leave_looks(visit: Visit, server: Server, kept: str):
    """What a page of this tab has left is swept; what another left can be continued."""
    page = visit.page
    page.get_by_label("What should the clip show?").fill(STAR)
    page.get_by_role("button", name="Try 4 seeds").click()
    expect(page.locator(".look button:enabled")).to_have_count(4)
    page.reload()
    expect(page.locator(".clip")).to_have_count(1)
    end = time.monotonic() + WAIT_MS / 1000
    while [video["id"] for video in server.videos()] != [kept]:
        assert time.monotonic() < end, server.videos()
        time.sleep(0.1)
    ask = urllib.request.Request(f"{server.url}/v1/videos", json.dumps({"prompt": BALL, "look_after": 2}).encode(),
                                 {"Content-Type": "application/json"})
    urllib.request.urlopen(ask).close()
    page.reload()
    job = page.locator(".job")
    expect(job).to_contain_text("Waiting after step 2 of 4")
    visit.picture("held")
    page.get_by_role("button", name=f"Continue: {BALL}").click()
    expect(page.locator(".clip")).to_have_count(2)
    expect(page.locator("#now")).to_be_hidden()
