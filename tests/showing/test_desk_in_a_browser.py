"""The pages of the desk in a real browser: on a phone and a desk, by keyboard, in light and dark."""

import pytest

from nightjar.core.desk.calendar import days
from nightjar.core.desk.places import night_file
from nightjar.showing import desk, runbooks
from nightjar.testing.desks import full_desk, full_night
from nightjar.testing.specs import toy_spec

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

WIDTHS = {"phone": 390, "desk": 1400}
TOO_PALE = """() => {
    const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(
        v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    ).reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
    const colour = text => { const n = text.match(/[\\d.]+/g).map(Number); return [...n, 1].slice(0, 4); };
    const behind = node => {
        for (; node; node = node.parentElement) {
            const found = colour(getComputedStyle(node).backgroundColor);
            if (found[3] > 0) return found;
        }
        return [255, 255, 255, 1];
    };
    const pale = [];
    for (const node of document.querySelectorAll('body *')) {
        const text = [...node.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
        if (!text || node.tagName === 'title') continue;
        const style = getComputedStyle(node);
        const front = node.namespaceURI.endsWith('svg') ? style.fill : style.color;
        const [one, other] = [luminance(colour(front)), luminance(behind(node))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        if (ratio < 4.5) pale.push(`${node.tagName} ${text.slice(0, 20)}: ${ratio.toFixed(2)}`);
    }
    return pale;
}"""
FOCUSED = """() => {
    const node = document.activeElement, style = getComputedStyle(node);
    return [node.getAttribute('href') || node.tagName, style.outlineStyle, parseFloat(style.outlineWidth)];
}"""
TARGETS = """() => [...document.querySelectorAll('a[href], input, button')].map(
    node => node.getAttribute('href') || node.tagName
)"""


@pytest.fixture(scope="module")
def browser(browsing):
    with browsing() as page:
        yield page


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder with the pages of a model with a year of nights, of two of its nights, and of a runbook."""
    folder = tmp_path_factory.mktemp("desk")
    seen = full_desk(365)
    nights = tuple(days(seen.nights))
    newest, before = nights[-1], nights[-2]
    pages = {
        "toy/index.html": desk.model_page(seen, nights, toy_spec(), served=True),
        "toy/short.html": desk.model_page(full_desk(20, 5), nights[-20:], toy_spec(), served=True),
        **{
            f"toy/{night_file(day.score_date)}": desk.night_page(
                seen, day, full_night(day.score_date, day.night.run_id), toy_spec(), served=True
            )
            for day in (newest, before)
        },
        "runbook-pages/late-night.html": runbooks.runbook_page("late-night.html"),
    }
    for name, html in pages.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(html, encoding="utf-8")
    return folder


@pytest.fixture(
    params=["toy/index.html", "toy/2024-01-30.html", "toy/2024-01-29.html", "runbook-pages/late-night.html"]
)
def page(request, browser, site):
    """A page of the desk that is open in the browser, and that logged nothing."""
    logged = []
    browser.on("console", lambda message: logged.append(message.text))
    browser.on("pageerror", lambda error: logged.append(str(error)))
    browser.goto((site / request.param).as_uri())
    yield browser
    assert logged == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": WIDTHS[width], "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]


@pytest.mark.parametrize("name", ["toy/index.html", "toy/2024-01-30.html"])
def test_a_phone_shows_rows_of_long_texts_without_scrolling_aside(browser, site, name):
    browser.set_viewport_size({"width": WIDTHS["phone"], "height": 844})
    browser.goto((site / name).as_uri())
    ends = "nodes => nodes.map(node => node.getBoundingClientRect().right)"
    assert 0 < max(browser.locator("table.stacks td").evaluate_all(ends)) <= WIDTHS["phone"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(page, scheme):
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate(TOO_PALE) == []


def test_the_keyboard_reaches_every_link_in_order_and_the_place_is_seen(browser, site):
    browser.goto((site / "toy/short.html").as_uri())
    wanted, reached = browser.evaluate(TARGETS), []
    for _ in range(2 * len(wanted)):
        browser.keyboard.press("Tab")
        name, style, width = browser.evaluate(FOCUSED)
        if name == "BODY":
            break
        assert (style, width >= 2) == ("solid", True), name
        reached.append(name)
    assert [name for name in reached if name in wanted] == wanted


def test_a_link_of_the_calendar_leads_to_its_night_and_one_of_the_night_to_its_runbook(browser, site):
    browser.goto((site / "toy/index.html").as_uri())
    browser.get_by_label("2024-01-30: held back").click()
    assert browser.title() == "toy: 2024-01-30"
    browser.get_by_role("link", name="2024-01-29").click()
    assert browser.title() == "toy: 2024-01-29"


CUT = """map => {
    const frame = map.getBoundingClientRect(), cut = [];
    for (const node of map.querySelectorAll('text')) {
        const box = node.getBoundingClientRect();
        if (box.left < frame.left || box.right > frame.right + 1) cut.push(node.textContent);
    }
    return cut;
}"""


def test_the_map_of_drift_cuts_no_name_of_a_column_or_a_night(browser, site):
    browser.set_viewport_size({"width": WIDTHS["desk"], "height": 900})
    browser.goto((site / "toy/index.html").as_uri())
    assert browser.locator("svg.map").evaluate(CUT) == []
