# SPDX-License-Identifier: Apache-2.0
"""Dark and light, phones, less motion, the keyboard alone, screen readers."""
from playwright.sync_api import Page, expect

from page_server import serving
from visit import BALL, HEART, STAR, Visit, pixels

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
