# SPDX-License-Identifier: Apache-2.0
"""Drives the page of `reel serve` in Chromium as a person would, with the demo model.

page_test.py REEL [PICTURES]: the program, and a folder for screenshots to look at. Needs Playwright
(page_requirements.txt) and Debian's chromium; CHROMIUM names another.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

BALL = "a red ball moves to the right over a night sky"
STAR = "a yellow star bounces over a meadow"
HEART = "a blue heart moves to the right over a sunset"
WAIT_MS = 60_000  # for a clip, on a machine that does other things too


class Server:
    """`reel serve` on a port and a folder that stay the same when it is started again."""

    def __init__(self, reel: Path, folder: Path, *flags: str):
        self.reel, self.folder, self.flags, self.port = reel, folder, flags, 0
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"),
                       "XDG_CACHE_HOME": str(self.folder / "cache")}
        self.process = subprocess.Popen(
            [self.reel, "serve", "--port", str(self.port), "--data", self.folder / "data",
             *self.flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), f"reel serve printed {self.url!r}"
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self, how=signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait(timeout=20)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path) as answer:
            return answer.read()

    def videos(self) -> list[dict]:
        return json.loads(self.get("/v1/videos?limit=100"))["data"]


@contextlib.contextmanager
def serving(reel: Path, *flags: str):
    folder = Path(tempfile.mkdtemp(prefix="reel-page-"))
    server = Server(reel, folder, *flags)
    try:
        yield server
    finally:
        server.kill(signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)


class Visit:
    """A browser window on the page. Leaving it fails on any request to elsewhere, any script error
    and anything that the page's own policy refused."""

    def __init__(self, browser, url: str, pictures: Path, **context):
        context.setdefault("viewport", {"width": 1280, "height": 900})
        self.context = browser.new_context(**context)
        self.url, self.pictures = url, pictures
        self.problems: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("request", self._request)

    def _console(self, message) -> None:
        # Refusals of the server are logged by the browser too; tests ask for some. Warnings are
        # about the tests' own reading of pictures.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def _request(self, request) -> None:
        if not request.url.startswith((self.url, "blob:")):
            self.problems.append(f"The page asked for {request.url}")

    def __enter__(self):
        self.page.goto(self.url)
        expect(self.page.locator("#plan-memory:not(:empty), #key-dialog[open]")).to_be_visible()
        return self

    def __exit__(self, kind, *_):
        self.context.close()
        if kind is None:
            assert self.problems == [], self.problems

    def picture(self, name: str, **options) -> None:
        self.page.screenshot(path=self.pictures / f"{name}.png", **options)

    def set_steps(self, steps: int) -> None:
        if not self.page.locator("#more").get_attribute("open") == "":
            self.page.get_by_text("More", exact=True).click()
        self.page.get_by_label("Steps").fill(str(steps))

    def ask_for(self, prompt: str) -> None:
        box = self.page.get_by_label("What should the clip show?")
        box.fill(prompt)
        box.press("Control+Enter")

    def said(self) -> str:
        return self.page.locator("#announcer").inner_text()


def pixels(canvas) -> list[int]:
    return canvas.evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")


def wait_until_it_plays(film) -> None:
    # Not page.wait_for_function: the page's policy lets nobody turn strings into scripts.
    end = time.monotonic() + WAIT_MS / 1000
    while film.evaluate("v => v.currentTime") < 0.3:
        assert time.monotonic() < end, "the clip does not play"
        time.sleep(0.1)


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


# Elements without a name for a screen reader, and text without enough contrast (WCAG 2, AA).
FAULTS = """() => {
  const faults = [];
  const visible = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  for (const element of document.querySelectorAll("button, a, input, textarea, summary, progress, section, dialog")) {
    if (!visible(element)) continue;
    const labels = [...element.labels ?? []].map((label) => label.textContent).join("");
    const by = (element.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean)
        .map((id) => document.getElementById(id)?.textContent ?? "").join("");
    const name = element.getAttribute("aria-label") ?? (by || labels || element.textContent);
    if (name.trim() === "") faults.push(`no name: ${element.outerHTML.slice(0, 80)}`);
  }
  const paper = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    paper.clearRect(0, 0, 1, 1);
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 1, 1);
    return [...paper.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (text.textContent.trim() === "" || !visible(element) || element.closest(".unseen, .skip, button:disabled")) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color).slice(0, 3)), light(ground(element).slice(0, 3))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${text.textContent.trim().slice(0, 60)}`);
  }
  return faults;
}"""


def check_faults(page: Page) -> None:
    faults = page.evaluate(FAULTS)
    assert faults == [], faults


def for_everybody(browser, reel, pictures):
    """Dark and light, phone width, less motion, keyboard alone, names for screen readers."""
    with serving(reel) as server:
        with Visit(browser, server.url, pictures) as visit:
            for prompt in (BALL, HEART, STAR):
                visit.ask_for(prompt)
            expect(visit.page.locator(".clip")).to_have_count(3)
        for scheme in ("light", "dark"):
            with Visit(browser, server.url, pictures, color_scheme=scheme) as visit:
                visit.page.get_by_text("More", exact=True).click()
                visit.page.get_by_role("button", name="Try 4 seeds").click()  # an error is shown
                expect(visit.page.locator(".clip")).to_have_count(3)
                check_faults(visit.page)
                visit.page.locator("#prompt").fill(BALL)
                visit.page.wait_for_timeout(500)  # for the films
                visit.picture(scheme)
                visit.page.locator(".open").first.click()
                check_faults(visit.page)
        for width in (320, 390):
            with Visit(browser, server.url, pictures, viewport={"width": width, "height": 844},
                       has_touch=True, is_mobile=True, device_scale_factor=2) as visit:
                page = visit.page
                visit.set_steps(60)
                visit.ask_for(HEART)
                expect(page.locator(".job canvas")).to_be_in_viewport()
                visit.picture(f"phone-{width}")
                expect(page.locator("#now")).to_be_hidden()
                assert page.evaluate("document.documentElement.scrollWidth") == width
                page.locator(".open").first.tap()
                expect(page.locator("#viewer-close")).to_be_in_viewport()
                visit.picture(f"phone-{width}-viewer")
        less_motion(browser, server, pictures)
        keyboard_alone(browser, server, pictures)


def less_motion(browser, server, pictures):
    with Visit(browser, server.url, pictures, reduced_motion="reduce") as visit:
        page = visit.page
        page.get_by_label("What should the clip show?").fill(STAR)
        page.get_by_role("button", name="Try 4 seeds").click()
        look = page.locator(".look").first
        expect(look.get_by_role("button")).to_be_enabled()
        before = pixels(look.locator("canvas"))
        page.wait_for_timeout(1000)
        assert pixels(look.locator("canvas")) == before, "the first look moves"
        page.get_by_role("button", name="Close").click()
        page.locator(".open").first.click()
        page.wait_for_timeout(500)
        assert page.locator("#viewer-video").evaluate("v => v.paused")


def keyboard_alone(browser, server, pictures):
    with Visit(browser, server.url, pictures) as visit:
        page = visit.page
        page.keyboard.press("Shift+Tab")  # back from the prompt
        expect(page.get_by_text("To the prompt")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#prompt")).to_be_focused()
        page.keyboard.type(BALL)
        reached = set()
        for _ in range(20):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.name"))
        assert {"size", "frames", "seed", "fresh-seed", "draw-seed", "make", "scout"} <= reached, reached
        page.get_by_label("Length").press("Home")
        expect(page.locator("#length")).to_have_text("a picture")
        page.get_by_label("Length").press("ArrowRight")
        expect(page.locator("#length")).to_have_text("0.3 s \u00b7 5 frames")


def main() -> None:
    reel = Path(sys.argv[1]).resolve()
    pictures = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="reel-pictures-"))
    pictures.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("page_test: there is no chromium; install it (apt-get install chromium) or name one in CHROMIUM.")
    expect.set_options(timeout=WAIT_MS)
    visits = [first_visit, make_watch_and_keep, queue_and_cancel, scouting, mistakes, lost_server,
              with_a_key, for_everybody]
    chosen = [visit for visit in visits if visit.__name__ in sys.argv[3:]] or visits
    with sync_playwright() as playwright:
        # No sandbox: it needs rights that containers do not give, and only our own page is shown.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for visit in chosen:
            start = time.monotonic()
            visit(browser, reel, pictures)
            print(f"page: {visit.__name__} ({time.monotonic() - start:.0f} s)", flush=True)
        browser.close()
    print(f"page: ok; pictures are in {pictures}")


if __name__ == "__main__":
    main()
