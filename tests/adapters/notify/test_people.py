from datetime import UTC, datetime

from pydantic import SecretStr

from nightjar.adapters.notify.people import way_to
from nightjar.core.telling.messages import trial


def test_a_url_that_no_service_has_is_told_so_and_is_not_repeated():
    why = way_to(SecretStr("gopher://token@host"))(
        trial(datetime(2026, 1, 2, tzinfo=UTC), "https://ui.example")
    )
    assert why == "Apprise knows no such URL"
