"""Programs are told which night was published, by ids that stay the same however often they are told."""

import json
from datetime import UTC, date, datetime, timedelta

from nightjar.core.telling.publications import PublicationNews, event, message

NEWS = PublicationNews(
    publication_id=7,
    model="toy",
    score_date=date(2013, 6, 15),
    run_id=3,
    revision=2,
    model_version=1,
    action="rollback",
    flow_run="f1",
    published_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_a_message_says_what_the_ledger_says():
    told = json.loads(json.dumps(message(NEWS)))
    assert told["type"] == "nightjar.night.published"
    assert PublicationNews.model_validate(told["data"]) == NEWS


def test_ids_are_those_of_the_publication():
    assert NEWS.message_id == NEWS.model_copy().message_id
    restored = NEWS.model_copy(update={"published_at": NEWS.published_at + timedelta(microseconds=1)})
    assert restored.message_id != NEWS.message_id, "another publication got the number after a restore"
    assert event(NEWS)["id"] == event(NEWS.model_copy())["id"] != event(restored)["id"]


def test_an_event_names_the_night_the_model_and_the_flow_run():
    told = event(NEWS)
    assert told["resource"]["prefect.resource.id"] == "nightjar.night.toy.2013-06-15"
    assert [each["prefect.resource.id"] for each in told["related"]] == [
        "nightjar.model.toy",
        "prefect.flow-run.f1",
    ]
    by_hand = event(NEWS.model_copy(update={"flow_run": None}))
    assert [each["prefect.resource.role"] for each in by_hand["related"]] == ["model"]
