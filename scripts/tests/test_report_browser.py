"""The report in a browser: what its script does, what it asks of the network, how it fits."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import PATIENCE, build_runs
from report_runs import HOSTILE_ALLOCATORS, HOSTILE_DESCRIPTION, HOSTILE_STRATEGIES, NO_POINTS
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common import utils
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from growbench.comparison.run import Run
from growbench.plots import all_plots
from growbench.report import assemble, page

PHONE, DESKTOP = (390, 844), (1440, 900)
TABLE = "table-headlines-cells"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A page of a run whose names are attacks, with a table of 72 rows."""
    runs = build_runs(HOSTILE_STRATEGIES, HOSTILE_ALLOCATORS, [30, 100, 300, 1000, 3000, 10_000], 6)
    runs["machine_id"] = HOSTILE_DESCRIPTION["machine_id"]
    source = assemble.Source(Run("a-run", runs, HOSTILE_DESCRIPTION), NO_POINTS)
    with pytest.MonkeyPatch.context() as patch:
        chosen = [plot for plot in all_plots() if plot.name == "heat_map_cold"]
        patch.setattr(assemble, "all_plots", lambda: chosen)
        text = page.html(*assemble.assemble([source]))
    path = tmp_path_factory.mktemp("browser") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


class LocalService(Service):
    """Reached by its address: a minimal system has no /etc/hosts, and so no "localhost"."""

    @property
    def service_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_connectable(self) -> bool:
        return utils.is_connectable(self.port, "127.0.0.1")


@pytest.fixture(scope="module")
def browser():
    """One headless Chromium for all tests. It is an error, and no skip, if there is none."""
    if PATIENCE > 1:
        pytest.skip("a browser is too much for an emulator")
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in programs.items() if path is None]
    assert not missing, f"{', '.join(missing)} is not installed; make setup test installs it"
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    # Root cannot have the sandbox; the page is our own.
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--remote-debugging-pipe",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=LocalService(programs["chromedriver"]), options=options)
    yield driver
    driver.quit()


def resize(browser, size: tuple[int, int]) -> None:
    """What a device of that size shows: windows cannot be as narrow as a phone."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 2, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@pytest.fixture
def opened(browser, report):
    """The page anew, on a desktop, with nothing in the logs from before."""
    resize(browser, DESKTOP)
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(report.as_uri())
    return browser


def shown_rows(browser, table: str = TABLE) -> list[list[str]]:
    """The text of the rows that are to be seen, in their order."""
    script = (
        "return Array.from(document.getElementById(arguments[0]).tBodies[0].rows)"
        ".filter((row) => row.getClientRects().length > 0)"
        ".map((row) => Array.from(row.cells, (cell) => cell.textContent))"
    )
    return browser.execute_script(script, table)


def headings(browser, table: str = TABLE) -> list:
    return browser.find_elements(By.CSS_SELECTOR, f"#{table} thead th")


def column(browser, label: str) -> int:
    return [heading.text.strip() for heading in headings(browser)].index(label)


def press(browser, label: str) -> None:
    headings(browser)[column(browser, label)].find_element(By.TAG_NAME, "button").click()


def field_and_status(browser, table: str = TABLE) -> tuple:
    bar = browser.find_element(
        By.XPATH, f"//table[@id='{table}']/parent::div/preceding-sibling::p[1]"
    )
    return bar.find_element(By.TAG_NAME, "input"), bar.find_element(
        By.CSS_SELECTOR, "[role=status]"
    )


def nanoseconds(text: str) -> float:
    value, unit = text.split(" ")
    return float(value) * {"ns": 1.0, "\N{MICRO SIGN}s": 1e3, "ms": 1e6, "s": 1e9}[unit]


def test_nothing_is_complained_of_and_nothing_is_fetched(opened):
    opened.find_element(By.TAG_NAME, "body")
    assert opened.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file:") for url in asked), "the log of the network is not on"
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}


def test_our_script_runs_and_no_other_can(opened):
    assert headings(opened)[0].find_element(By.TAG_NAME, "button")
    opened.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.broken = 1';"
        "document.body.append(s);"
        "const i = document.createElement('img'); i.setAttribute('onerror', 'window.broken = 2');"
        "i.src = 'data:x'; document.body.append(i);"
    )
    assert opened.execute_script("return window.broken") is None
    refused = [entry["message"] for entry in opened.get_log("browser")]
    assert any("Content Security Policy" in message for message in refused)


def test_names_are_words_and_no_elements(opened):
    assert opened.execute_script("return document.scripts.length") == 1
    images = opened.execute_script("return Array.from(document.images, (i) => i.src.slice(0, 5))")
    assert set(images) == {"data:"}
    words = {cell for row in shown_rows(opened) for cell in row}
    assert {*HOSTILE_STRATEGIES, *HOSTILE_ALLOCATORS} <= words
    assert HOSTILE_DESCRIPTION["machine_id"] in opened.find_element(By.TAG_NAME, "h1").text


def test_a_press_sorts_by_the_figures_and_another_turns_them_around(opened):
    place = column(opened, "cold")
    before = [row[place] for row in shown_rows(opened)]
    press(opened, "cold")
    rising = [nanoseconds(row[place]) for row in shown_rows(opened)]
    assert rising == sorted(rising) and len(set(rising)) > 10
    # As text 1.06 ms would come before 27.8 us.
    assert [row[place] for row in shown_rows(opened)] != sorted(before)
    assert headings(opened)[place].get_attribute("aria-sort") == "ascending"
    press(opened, "cold")
    falling = [nanoseconds(row[place]) for row in shown_rows(opened)]
    assert falling == sorted(falling, reverse=True)
    assert headings(opened)[place].get_attribute("aria-sort") == "descending"
    press(opened, "strategy")
    names = [row[0].lower() for row in shown_rows(opened)]
    assert names == sorted(names)
    assert headings(opened)[place].get_attribute("aria-sort") is None
    assert "72 rows, sorted by strategy, ascending" in field_and_status(opened)[1].text


def test_sorting_works_with_the_keyboard(opened):
    button = headings(opened)[column(opened, "rows")].find_element(By.TAG_NAME, "button")
    opened.execute_script("arguments[0].focus()", button)
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    opened.switch_to.active_element.send_keys(Keys.SPACE)
    place = column(opened, "rows")
    rows = [int(row[place].replace(",", "")) for row in shown_rows(opened)]
    assert rows == sorted(rows, reverse=True) and rows[0] != rows[-1]


def test_the_filter_shows_the_rows_that_have_all_its_words(opened):
    field, status = field_and_status(opened)
    assert status.text == "72 rows"
    field.send_keys("GLIBC 10,000")
    rows = shown_rows(opened)
    assert len(rows) == 4 and all(row[1] == "glibc" and row[2] == "10,000" for row in rows)
    assert status.text == "4 of 72 rows"
    field.send_keys(" <nothing like it>")
    assert shown_rows(opened) == [] and status.text == "0 of 72 rows"
    field.clear()
    field.send_keys("a", Keys.BACKSPACE)
    assert len(shown_rows(opened)) == 72 and status.text == "72 rows"


def test_what_is_missing_comes_last_whichever_way_a_column_is_sorted(opened):
    # Peaks of small arrays have no ratio to the payload.
    place = column(opened, "\N{DIVISION SIGN} payload")
    for _ in range(2):
        press(opened, "\N{DIVISION SIGN} payload")
        figures = [row[place] for row in shown_rows(opened)]
        assert "-" in figures and figures[0] != "-"
        first_missing = figures.index("-")
        assert set(figures[first_missing:]) == {"-"}


@pytest.mark.parametrize("size", [PHONE, (768, 1024), DESKTOP])
def test_the_page_never_scrolls_sideways(opened, size):
    resize(opened, size)
    for box in opened.find_elements(By.CSS_SELECTOR, ".zoom"):
        if box.is_displayed():
            box.click()
    widths = opened.execute_script("return [document.scrollingElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == size[0]
    # The wide table does, within its own box.
    inside = opened.execute_script(
        "const box = document.getElementById(arguments[0]).parentElement;"
        "return [box.scrollWidth, box.clientWidth]",
        TABLE,
    )
    if size == PHONE:
        assert inside[0] > inside[1]


def test_a_plot_fits_a_phone_and_can_be_had_in_full_size(opened):
    resize(opened, PHONE)
    image, box = (opened.find_element(By.CSS_SELECTOR, name) for name in (".picture img", ".zoom"))
    opened.execute_script("arguments[0].scrollIntoView()", image)
    assert image.size["width"] <= PHONE[0]
    box.click()
    assert image.size["width"] > 800


def test_dark_is_dark(opened):
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    colours = opened.execute_script(
        "const style = getComputedStyle(document.documentElement);"
        "return [style.backgroundColor, style.color].map((c) => c.match(/\\d+/g).map(Number))"
    )
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert max(colours[0]) < 60 and min(colours[1]) > 200


def test_without_scripts_everything_is_there_to_be_read(opened, report):
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    opened.get(report.as_uri())
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert len(shown_rows(opened)) == 72
    assert opened.find_elements(By.CSS_SELECTOR, "th button, .filter") == []
