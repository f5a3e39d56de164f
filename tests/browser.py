"""A headless Chromium for the tests of pages, where one is installed."""

import io
import json
import os
import shutil

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVERS = ("chromedriver", "chromium.chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
)


def first_of(programs):
    """Path of the first program that is installed, or None."""
    return next((path for path in map(shutil.which, programs) if path), None)


def is_installed():
    return first_of(BROWSERS) is not None and first_of(DRIVERS) is not None


def is_required():
    return os.environ.get("CIRCUITGRAD_BROWSER") == "required"


def start(profile):
    """A browser that logs what pages say and request."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = first_of(BROWSERS)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(first_of(DRIVERS)))
    driver.set_page_load_timeout(30)
    return driver


class Reader:
    """A person in front of the page."""

    def __init__(self, driver, tmp_path):
        self.driver = driver
        self.folder = tmp_path

    def opens(self, figure, link=""):
        path = figure.player().save(self.folder / "page.html")
        self.driver.get("about:blank")
        self.driver.get(f"file://{path}#{link}")
        return self

    def presses(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def clicks(self, selector):
        self.find(selector).click()

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def text(self, selector="#say"):
        return self.find(selector).text

    def runs(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def waits(self, script):
        """Until the script returns true."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 10, 0.05).until(lambda driver: driver.execute_script(script))

    def tells(self, command, **options):
        """A command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, options)

    def points_at(self, selector):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).move_to_element(self.find(selector)).perform()

    def drags(self, selector, right, down):
        from selenium.webdriver.common.action_chains import ActionChains

        chain = ActionChains(self.driver).move_to_element(self.find(selector)).click_and_hold()
        chain.move_by_offset(right / 2, down / 2).move_by_offset(right / 2, down / 2)
        chain.release().perform()

    def chooses(self, selector, text):
        from selenium.webdriver.support.select import Select

        Select(self.find(selector)).select_by_visible_text(text)

    def answers(self, place, text):
        field = self.find(f"#answer{place}")
        field.clear()
        field.send_keys(text)
        field.submit()

    def view_box(self):
        box = self.find(".figure:not([hidden]) > svg").get_dom_attribute("viewBox")
        return [float(number) for number in box.split()]

    def visible_labels(self):
        return self.runs(
            "return [...document.querySelectorAll('.figure:not([hidden]) svg g')]"
            ".filter(g => /-(above|below|sums)$/.test(g.getAttribute('class') || '')"
            " || / off$|-(above|below|sums) /.test(g.getAttribute('class') || ''))"
            ".filter(g => !g.classList.contains('off')).length"
        )

    def colours(self):
        """The number of colours on the screen, and the commonest one."""
        picture = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        found = picture.getcolors(maxcolors=1 << 20)
        return len(found), max(found)[1]

    def requests(self):
        """Addresses that the browser asked for, from its log of the network."""
        told = [
            json.loads(line["message"])["message"] for line in self.driver.get_log("performance")
        ]
        return [
            entry["params"]["request"]["url"]
            for entry in told
            if entry["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self):
        return [line["message"] for line in self.driver.get_log("browser")]
