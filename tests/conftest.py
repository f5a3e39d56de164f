"""Tests in a browser run where one is installed; the report says when they were left out."""

import pytest

from tests import browser

NOTICE = (
    "no browser: the tests in Chromium (marked browser) were left out. "
    "To run them, install chromium and its driver (Debian: chromium chromium-driver)."
)


def pytest_collection_modifyitems(config, items):
    if browser.is_installed() or browser.is_required():
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter):
    if not browser.is_installed() and not browser.is_required():
        terminalreporter.write_sep("!", NOTICE)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """One browser for all tests."""
    if not browser.is_installed():
        pytest.fail("CIRCUITGRAD_BROWSER=required, but Chromium or its driver is not installed")
    driver = browser.start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()
