"""A headless Chromium for the tests of pages, where one is installed."""

import os
import shutil

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
