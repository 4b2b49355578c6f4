"""The desk on the server that `nightjar up` runs, as an analyst finds a number there."""

from datetime import date

import pytest

import models
from nightjar.core.night.clock import night_of

pytestmark = [
    pytest.mark.platform,
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SPEC = models.model("flight_delay")
NIGHT = date(2013, 3, 15)
"""The night before the first that a schedule scores here, so that nothing is missing between them."""


def test_from_the_list_of_models_to_the_scores_of_one_flight_behind_the_login(prefect, world, browsing):
    user, _, password = prefect.settings.prefect_auth.get_secret_value().partition(":")
    world.platform.score_night(SPEC).run(night_of(SPEC, NIGHT))
    ((key,),) = world.query(f"SELECT min(entity_key) FROM scores WHERE score_date = '{NIGHT}'")
    with browsing() as stranger:
        assert stranger.request.get(f"{prefect.base}/desk/index.html").status == 401
        context = stranger.context.browser.new_context(
            http_credentials={"username": user, "password": password}
        )
        page = context.new_page()
        page.goto(f"{prefect.base}/desk")
        page.get_by_role("link", name="flight_delay").click()
        page.locator(f'a[href="{NIGHT}.html"]').first.click()
        assert page.url.endswith(f"/desk/flight_delay/{NIGHT}.html")
        page.get_by_role("link", name="flight_delay").click()
        page.get_by_label("Scores of an entity").fill(key)
        page.get_by_role("button", name="Show").click()
        assert str(NIGHT) in page.inner_text("main, body")
        assert key in page.inner_text("main, body")
        page.goto(f"{prefect.base}/desk/runbook-pages/stale-features.html")
        assert "max_age" in page.inner_text("body")
        context.close()
