# SPDX-License-Identifier: Apache-2.0
"""A browser window on the page, and what is read from it."""
import time
from pathlib import Path

from playwright.sync_api import Page, expect

BALL = "a red ball moves to the right over a night sky"
STAR = "a yellow star bounces over a meadow"
HEART = "a blue heart moves to the right over a sunset"
WAIT_MS = 60_000  # for a clip, on a machine that does other things too


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
