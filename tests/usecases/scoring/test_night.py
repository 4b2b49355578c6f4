"""A night through shipped in-memory stores: what is stored is not done twice, and nothing unsound is
published.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from structlog.testing import capture_logs

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import BadDelivery, ContractBroken, NoPopulation, StaleFeatures
from nightjar.core.errors.model import ArtifactBroken, NoChampion, PredictsOtherwise
from nightjar.core.errors.night import AuditFailed
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.readings import same_entities
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.model.spec import FeastService
from nightjar.core.night.entities import Night, RunState
from nightjar.showing.console import night_row
from nightjar.showing.remedies import advised
from nightjar.testing.memory import MemoryFeatureFiles, MemoryInputProfiles, MemoryNights
from nightjar.testing.nights import changed, in_memory, in_turn, with_parts
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.specs import HAPPENED, PLANNED, TOY, WEATHER, toy_spec
from nightjar.testing.versions import champion_of, registered, toy_version
from nightjar.usecases.lifecycle.documents import store_rows

DAY = date(2013, 6, 15)
NIGHT = Night(model="toy", score_date=DAY, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
GAUGES = replace(PLANNED, name="gauges")
BY_KEY = Formulas(
    lambda version: (pl.col("entity_key").hash(seed=1) % 10_000) / 20_000 + version.number / 100
)
"""Each key has a score of its own, and each version gives a hundredth more."""


@dataclass
class Raw(Steady):
    keys: list
    bad: tuple = ()
    landed: dict = field(default_factory=dict)

    def refused(self, dataset):
        return tuple(refusal for refusal in self.bad if refusal.dataset == dataset)

    def recorded(self, dataset, days=None):
        return {day: at for day, at in self.landed.items() if days is None or day in days}

    def read(self, dataset, first, last, known_at=None):
        if dataset.name == GAUGES.name:
            return pl.DataFrame(schema={**dataset.columns, "date": pl.Date()})
        return pl.DataFrame({"entity_key": self.keys}, schema={"entity_key": pl.String})


class Features:
    asked = 0

    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self

    def retrieve(self, spec, entities):
        self.asked += entities.height
        return entities.with_columns(x=pl.col("entity_key").str.len_chars().cast(pl.Float64))


@pytest.fixture
def use_case(tmp_path):
    registry, spec = MemoryRegistry(), toy_spec()
    champion_of(registry)
    return in_memory(
        spec=spec,
        raw=Raw([f"k{n}" for n in range(10)]),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=BY_KEY,
        registry=registry,
        check=check,
    )


def test_a_night_is_scored_and_published_whole(use_case):
    night = use_case.run(NIGHT)
    assert (night.population, night.scored, night.quarantined, night.parts, night.already_published) == (
        10,
        10,
        0,
        3,
        False,
    )
    published = use_case.store.publication("toy", DAY)
    assert published is not None
    assert use_case.store.published_scores(use_case.store.run(published.run_id))["entity_key"].to_list() == [
        f"k{n}" for n in range(10)
    ]


def test_the_same_night_again_publishes_nothing_new(use_case):
    first = use_case.run(NIGHT)
    asked = use_case.inputs.features.asked
    second = use_case.run(NIGHT)
    assert second.already_published
    assert (second.run_id, second.published_at) == (first.run_id, first.published_at)
    assert use_case.inputs.features.asked == asked


def test_a_forced_night_is_a_new_revision_of_it(use_case):
    first, second = use_case.run(NIGHT), use_case.run(NIGHT, force=True)
    assert (first.revision, second.revision) == (1, 2)
    assert use_case.store.publication("toy", DAY).run_id == second.run_id


@pytest.mark.parametrize(
    "error", [MemoryError(), PermissionError(13, "no"), TimeoutError(110, "too long"), OSError(28, "full")]
)
def test_a_night_that_the_machine_refused_is_caught_up_with_and_needs_no_person(use_case, error):
    def refuses(work, parts):
        raise error

    with pytest.raises(type(error)):
        with_parts(use_case, refuses).run(NIGHT)
    (standing,) = use_case.store.standings("toy", DAY, DAY).values()
    assert standing.missed, standing.error


def test_a_ledger_that_cannot_keep_why_a_night_failed_does_not_hide_it(use_case, monkeypatch):
    """Else the night looks like one that a retry mends, and is audited again and again."""

    def gone(*_):
        raise StoreUnavailable("the database", "it is gone")

    def broken(work, parts):
        raise ContractBroken("the population", ["it is no table"])

    monkeypatch.setattr(type(use_case.store), "fail", gone)
    with pytest.raises(ContractBroken), capture_logs() as logs:
        with_parts(use_case, broken).run(NIGHT)
    assert "it is gone" in next(each["error"] for each in logs if each["event"] == "failure_not_kept")


def test_a_retry_does_only_the_part_that_failed(use_case):
    def second_part_fails(work, parts):
        for part in parts:
            if part.part != 1:
                work(part)
        raise StoreUnavailable("the database", "it is gone")

    with pytest.raises(StoreUnavailable):
        with_parts(use_case, second_part_fails).run(NIGHT)
    assert use_case.store.publication("toy", DAY) is None
    asked = use_case.inputs.features.asked
    done = []
    night = with_parts(
        use_case, lambda work, jobs: done.extend(job.part for job in jobs) or in_turn(work, jobs)
    ).run(NIGHT)
    assert (done, night.parts_done_now, use_case.inputs.features.asked - asked) == (
        [1],
        1,
        3 + night.population,
    ), "the part, and the audit's sample"


class Vanishing(Features):
    there = True

    def retrieve(self, spec, entities):
        return super().retrieve(spec, entities).with_columns(x=pl.col("x") if self.there else pl.lit(0.0))


def test_a_night_whose_features_were_gone_for_a_part_of_it_is_published_for_nobody(use_case):
    night = changed(use_case, predictors=Formulas(lambda version: pl.col("x") / 10), features=Vanishing())

    def gone_for_the_second_part(work, parts):
        for part in parts:
            night.inputs.features.there = part.part != 1
            work(part)
        night.inputs.features.there = True

    with pytest.raises(AuditFailed, match=r"other scores than their inputs give now: .* \(irreproducible\)"):
        with_parts(night, gone_for_the_second_part).run(NIGHT, accept="a person who did not know")
    assert night.store.publication("toy", DAY) is None
    assert night.run(NIGHT, force=True, accept="equal scores").revision == 2


def test_a_resumed_night_keeps_the_champion_it_was_claimed_with(use_case):
    def fails(work, parts):
        raise StoreUnavailable("the database", "it is gone")

    with pytest.raises(StoreUnavailable):
        with_parts(use_case, fails).run(NIGHT)
    champion_of(use_case.inputs.registry, artifact_sha256="2" * 64)
    assert use_case.run(NIGHT).version_number == 1
    assert use_case.run(NIGHT, force=True).version_number == 2


def test_a_night_is_scored_by_one_champion_also_when_another_is_promoted_meanwhile(use_case):
    newer = registered(use_case.inputs.registry, artifact_sha256="2" * 64)

    def promoted_after_the_first_part(work, parts):
        first, *rest = parts
        done = [work(first)]
        use_case.inputs.registry.promote(newer, "champion", "better")
        return done + [work(part) for part in rest]

    night = with_parts(use_case, promoted_after_the_first_part).run(NIGHT)
    by_first = BY_KEY.load(use_case.inputs.spec, toy_version()).predict(
        use_case.inputs.raw.read(PLANNED, DAY, DAY)
    )
    assert (night.version_number, night.parts) == (1, 3)
    assert (
        use_case.store.published_scores(use_case.store.run(night.run_id))["score"].to_list()
        == by_first.to_list()
    )
    assert use_case.run(NIGHT, force=True).version_number == 2


def test_a_challenger_scores_the_same_rows_in_shadow(use_case):
    challenger = registered(use_case.inputs.registry, artifact_sha256="2" * 64)
    use_case.inputs.registry.promote(challenger, "challenger", "try it")
    night = use_case.run(NIGHT)
    scores = use_case.store.published_scores(use_case.store.run(night.run_id))
    assert night.without_challenger == 0
    assert (scores["challenger_score"] - scores["score"]).round(6).unique().to_list() == [0.01]


def with_golden_rows(night, ulps, **role):
    """A version whose kept scores are so many of the least steps off from what it gives now."""
    rows = pl.DataFrame({"entity_key": [f"g{n}" for n in range(5)]})
    number = len(night.inputs.registry.versions("toy")) + 1
    score = BY_KEY.load(TOY, toy_version(number=number)).predict(rows)
    kept = pl.Series("score", score.to_numpy().view("int64") + ulps).to_numpy().view("float64")
    golden = rows.with_columns(score=kept, outputs=pl.lit(None, pl.List(pl.Float64)))
    uri, sha256 = store_rows(golden, "golden", night.inputs.artifacts)
    registry = night.inputs.registry
    version = registered(registry, artifact_sha256="7" * 64, golden_uri=uri, golden_sha256=sha256)
    registry.promote(version, role.get("role", "champion"), "the next")
    return version


def test_a_version_that_gives_for_its_golden_rows_what_it_gave_is_scored_with(use_case):
    version = with_golden_rows(use_case, ulps=0)
    assert use_case.run(NIGHT).version_number == version.number


def test_a_champion_that_gives_one_last_bit_otherwise_stops_the_night_before_its_first_part(use_case):
    with_golden_rows(use_case, ulps=1)
    asked = []
    night = with_parts(use_case, lambda work, jobs: asked.extend(jobs) or in_turn(work, jobs))
    with pytest.raises(PredictsOtherwise, match=r"nothing was scored: 5 of 5 golden rows.*'g0': its score"):
        night.run(NIGHT)
    assert (asked, use_case.store.publication("toy", DAY)) == ([], None)
    (run,) = use_case.store.runs_of("toy", DAY)
    assert run.state is RunState.FAILED


def test_a_person_has_such_a_night_scored_with_a_reason_and_the_ledger_keeps_the_finding(use_case):
    with_golden_rows(use_case, ulps=1)
    use_case.run(NIGHT, accept="the new library rounds otherwise")
    publication = use_case.store.publication("toy", DAY)
    assert publication.reason == "the new library rounds otherwise"
    assert publication.findings[0].startswith("5 of 5 golden rows")


def test_a_challenger_that_gives_its_golden_rows_otherwise_loses_its_shadow_alone(use_case):
    with_golden_rows(use_case, ulps=1, role="challenger")
    with capture_logs() as logged:
        ended = use_case.run(NIGHT)
    assert (ended.scored, ended.without_challenger) == (10, 10)
    assert "golden rows" in next(each["error"] for each in logged if each["event"] == "challenger_failed")


def test_golden_rows_that_are_gone_stop_the_night(use_case):
    version = with_golden_rows(use_case, ulps=0)
    Path(use_case.inputs.artifacts.local_path(version.golden_uri)).unlink()
    with pytest.raises(ArtifactBroken):
        use_case.run(NIGHT)


def test_a_challenger_that_fails_stops_no_night(use_case):
    """Here it wants an input that is gone: its own score is what is lacking, and the night says so."""
    wants_more = Formulas(lambda version: pl.col("entity_key" if version.number == 1 else "gone").hash() * 0)
    night = changed(use_case, predictors=wants_more)
    challenger = registered(night.inputs.registry, artifact_sha256="2" * 64)
    night.inputs.registry.promote(challenger, "challenger", "try it")
    with capture_logs() as logged:
        ended = night.run(NIGHT)
    scores = night.store.published_scores(night.store.run(ended.run_id))
    assert (ended.scored, ended.without_challenger) == (10, 10)
    assert (scores["score"].null_count(), scores["challenger_score"].null_count()) == (0, 10)
    failures = [event for event in logged if event["event"] == "challenger_failed"]
    assert [event["version"] for event in failures] == [2] * 4, "by three parts and by the audit"
    assert "gone" in failures[0]["error"]
    assert night_row(ended)[-1].endswith("the challenger gave no score for 10 of 10 rows")


@pytest.mark.parametrize(("as_of", "early"), [(timedelta(hours=1), True), (timedelta(0), False)])
def test_a_night_whose_as_of_is_ahead_says_that_it_is_early(use_case, as_of, early):
    """What becomes known until then is never a late correction, so nothing would bring it in."""
    night = NIGHT.model_copy(update={"as_of": datetime.now(UTC) + as_of})
    with capture_logs() as logged:
        use_case.run(night)
        use_case.run(night)
    assert [each["event"] for each in logged].count("night_scored_early") == early


def test_rows_with_a_missing_or_repeated_key_are_set_aside_and_accounted_for(use_case):
    night = changed(use_case, raw=Raw(["a", "b", "b", None, "c"])).run(NIGHT)
    assert (night.population, night.scored, night.quarantined) == (5, 3, 2)


def test_inputs_far_beyond_the_training_sample_hold_a_night_and_a_lost_sample_holds_none(use_case):
    sample = pl.DataFrame({"x": [200.0, 210.0]})
    uri, _ = store_rows(sample, "reference", use_case.inputs.artifacts)
    champion_of(use_case.inputs.registry, artifact_sha256="2" * 64, reference_uri=uri)
    with pytest.raises(AuditFailed, match=r"Values of x lie far beyond .*range 2, expected 200, limit 100"):
        use_case.run(NIGHT)
    Path(use_case.inputs.artifacts.get(uri)).unlink()
    another_process = replace(use_case, inputs=replace(use_case.inputs, _samples={}))
    with capture_logs() as logged:
        assert another_process.run(NIGHT).version_number == 2
    (unread,) = (each for each in logged if each["event"] == "training_sample_unread")
    assert uri in unread["error"]


def test_a_night_that_fails_its_audit_stays_unseen(use_case):
    with pytest.raises(AuditFailed, match="quarantined"):
        changed(use_case, raw=Raw(["a", None, None, None])).run(NIGHT)
    assert use_case.store.publication("toy", DAY) is None
    assert use_case.store.runs("toy")[0].state is RunState.FAILED


def test_a_person_can_vouch_for_a_night_that_looks_absurd_and_the_ledger_keeps_why(use_case):
    odd = changed(use_case, raw=Raw(["a", "b", None, None, None]))
    with pytest.raises(AuditFailed, match="publish it with a reason, which the ledger keeps") as refused:
        odd.run(NIGHT)
    assert refused.value.acceptable
    assert not refused.value.corrects
    night = odd.run(NIGHT, accept="the feed lost its keys, and two rows are better than none")
    assert (night.scored, night.parts_done_now) == (2, 0)
    assert (
        use_case.store.publication("toy", DAY).reason
        == "the feed lost its keys, and two rows are better than none"
    )


def test_a_correction_that_is_held_back_is_accepted_in_another_revision(use_case):
    shown = use_case.run(NIGHT)
    odd = changed(use_case, raw=Raw(["a", "b", None, None, None]))
    with pytest.raises(AuditFailed) as refused:
        odd.run(NIGHT, force=True)
    assert refused.value.corrects
    assert odd.run(NIGHT, accept="two rows are better").run_id == shown.run_id
    assert odd.run(NIGHT, accept="two rows are better", force=True).scored == 2


def test_a_night_without_a_single_score_cannot_be_accepted(use_case):
    with pytest.raises(
        AuditFailed, match=r"No row was scored \(incomplete\)\. Many rows are quarantined: .* \(2 rows\)"
    ) as refused:
        changed(use_case, raw=Raw([None, None])).run(NIGHT, accept="the weather service is down")
    assert not refused.value.acceptable
    assert "with a reason" not in str(refused.value)
    assert use_case.store.publication("toy", DAY) is None


def test_a_night_without_a_population_says_which_dataset_is_missing(use_case):
    with pytest.raises(NoPopulation, match=r"no planned recorded by .* landed"):
        changed(use_case, raw=Raw([])).run(NIGHT)


def refusal(dataset, day, recorded_at):
    return Refusal(
        dataset=dataset,
        day=day,
        content="0" * 16,
        file="in.csv",
        column=None,
        problem="is truncated",
        remedy="Have it delivered again.",
        recorded_at=recorded_at,
        refused_at=recorded_at,
    )


def test_a_night_whose_population_was_delivered_badly_says_so_and_not_that_it_is_missing(use_case):
    bad = refusal("planned", DAY, NIGHT.as_of)
    with pytest.raises(
        BadDelivery,
        match=(
            r"in.csv: is truncated\. toy 2013-06-15 needs this delivery: "
            r"nothing else of planned has landed for that day"
        ),
    ):
        changed(use_case, raw=Raw([], (bad,))).run(NIGHT)
    other_day, too_new = (
        refusal("planned", DAY - timedelta(1), NIGHT.as_of),
        refusal("planned", DAY, NIGHT.as_of + timedelta(seconds=1)),
    )
    with pytest.raises(NoPopulation):
        changed(use_case, raw=Raw([], (other_day, too_new, refusal("trains", DAY, NIGHT.as_of)))).run(NIGHT)


def test_a_night_that_has_its_population_is_scored_whatever_was_delivered_badly_since(use_case):
    bad = refusal("planned", DAY, NIGHT.as_of)
    assert changed(use_case, raw=Raw(["a", "b"], (bad,))).run(NIGHT).scored == 2


def test_a_model_that_takes_none_of_the_rows_is_not_told_to_land_them(use_case):
    taking_none = replace(use_case.inputs.spec, population=lambda raw, _: raw["planned"].clear())
    with pytest.raises(NoPopulation, match=r"10 rows of planned .* `population` takes none of them"):
        changed(use_case, spec=taking_none).run(NIGHT)


def test_a_model_without_a_champion_says_how_to_get_one(use_case):
    with pytest.raises(NoChampion, match=r"toy has no champion to score with\. Train one\."):
        changed(use_case, registry=MemoryRegistry()).run(NIGHT)


def test_the_ledger_keeps_the_error_of_a_failed_night_with_the_command_that_mends_it(use_case):
    with pytest.raises(AuditFailed):
        changed(use_case, raw=Raw([None, None]), advised=advised).run(NIGHT)
    standing = use_case.store.standings("toy", DAY, DAY)[DAY]
    assert standing.error.startswith(f"AuditFailed: toy {DAY} is stored but not published: ")
    assert f"`nightjar score --model toy --date {DAY} --force`" in standing.error


class FindsMuch:
    """A second reading that finds a fault in each of nine columns, of the last one in a slice alone."""

    def __init__(self, name="misread"):
        self.name = name

    def computed(self, run, raw):
        return {}

    def findings(self, *_):
        every = [Finding(name=self.name, column=f"x{n}", sentence=f"x{n} was misread") for n in range(9)]
        return [every[8].model_copy(update={"slice": "k=a"}), *every[:8]]


class Returning:
    """A second reading whose database is gone for a moment."""

    def __init__(self):
        self.errors = [StoreUnavailable("the database", "it is gone")]

    def computed(self, run, raw):
        if self.errors:
            raise self.errors.pop()
        return {}

    def findings(self, *_):
        return []


def test_a_night_goes_on_if_the_database_was_gone_for_a_moment_while_its_parts_were_scored(use_case):
    second = Returning()
    assert replace(use_case, second=second).run(NIGHT).parts == 3
    assert second.errors == []


def test_of_many_findings_the_error_names_three_and_all_are_stored_the_most_telling_first(use_case):
    night = replace(changed(use_case, advised=advised), second=FindsMuch())
    with pytest.raises(
        AuditFailed, match=r": x0 was misread \(misread\)\. x1 .*\. x2 .*\. And 6 more findings\. "
    ) as refused:
        night.run(NIGHT)
    assert "x3" not in str(refused.value)
    (run,) = use_case.store.runs("toy")
    assert f"`nightjar findings {DAY} --model toy`" in use_case.store.standings("toy", DAY, DAY)[DAY].error
    stored = [finding.column for finding in use_case.guard.readings.findings(run)]
    assert stored == [f"x{n}" for n in range(9)]


@pytest.mark.parametrize(("name", "offered"), [("units", True), ("misread", False), ("misbuilt", False)])
def test_to_publish_a_night_as_it_is_is_offered_only_if_the_world_may_be_so(use_case, name, offered):
    with pytest.raises(AuditFailed) as refused:
        replace(changed(use_case, advised=advised), second=FindsMuch(name)).run(NIGHT)
    told = use_case.store.standings("toy", DAY, DAY)[DAY].error
    assert refused.value.acceptable == offered
    assert ("if the world was truly like this" in told) == ("--accept REASON" in told) == offered


def stale(use_case, age, limit=timedelta(hours=6)):
    """The toy with a view whose newest row is so old at the as-of."""
    table = replace(WEATHER, sources=(GAUGES.name,), max_age=limit)
    spec = toy_spec(datasets=(PLANNED, HAPPENED, GAUGES), feature_tables=(table,))
    files, moment = MemoryFeatureFiles(), NIGHT.as_of - age
    files.write(
        table,
        pl.DataFrame({"city": ["OSLO"], "rain": [0.0], "event_timestamp": [moment], "created": [moment]}),
        {},
    )
    return changed(use_case, spec=spec, guard=replace(use_case.guard, spec=spec, files=files))


def test_a_stale_view_stops_the_night_before_it_is_scored(use_case):
    stopped = stale(use_case, timedelta(hours=9))
    with pytest.raises(
        StaleFeatures,
        match=(
            r"weather is of 2013-06-14 16:00 UTC, 9.0 h old at the as-of; 6.0 h is the limit"
            r".*scored without, with a reason"
        ),
    ):
        stopped.run(NIGHT)
    assert use_case.store.publication("toy", DAY) is None
    assert use_case.store.receipts(use_case.store.runs("toy")[0]) == ()


def test_a_stale_view_of_a_feast_that_is_not_ours_stops_the_night_too(use_case):
    found = "feature view rides has no row of the last 24 h before the as-of, its max_age"

    class Old(Features):
        def stale(self, spec, as_of):
            return () if as_of < NIGHT.as_of else (found,)

        def limits(self, spec):
            return ()

    spec = toy_spec(feature_tables=(), features=FeastService(repo=Path("theirs"), service="rides"))
    stopped = changed(use_case, spec=spec, features=Old(), guard=replace(use_case.guard, spec=spec))
    with pytest.raises(StaleFeatures, match=rf"{found}. Bring the feed up to date"):
        stopped.run(NIGHT)
    assert use_case.store.publication("toy", DAY) is None
    assert stopped.run(NIGHT, accept="the feed is repaired on Friday").scored == 10
    assert use_case.store.publication("toy", DAY).findings == (found,)


def test_a_view_that_is_stale_because_its_feed_was_delivered_badly_names_the_delivery(use_case):
    yesterday, recorded = DAY - timedelta(1), {DAY - timedelta(2): [NIGHT.as_of - timedelta(days=1)]}
    stopped = stale(use_case, timedelta(hours=9))
    bad = changed(stopped, raw=Raw(["a"], (refusal("gauges", yesterday, NIGHT.as_of),), recorded))
    with pytest.raises(
        BadDelivery,
        match=r"is truncated.*the newest row of weather is of .* scored without it, with a reason",
    ) as refused:
        bad.run(NIGHT)
    assert refused.value.night == ("toy", DAY)
    older = changed(
        stopped,
        raw=Raw(["a"], (refusal("gauges", DAY - timedelta(3), NIGHT.as_of - timedelta(days=2)),), recorded),
    )
    with pytest.raises(StaleFeatures):
        older.run(NIGHT, force=True)
    assert bad.run(NIGHT, force=True, accept="the gauges are replaced until Friday").scored == 1


def test_a_person_can_have_a_night_scored_with_stale_features_and_the_ledger_keeps_what_was_found(use_case):
    night = stale(use_case, timedelta(hours=9)).run(NIGHT, accept="the service is down until Friday")
    publication = use_case.store.publication("toy", DAY)
    assert (night.scored, publication.reason, len(publication.findings)) == (
        10,
        "the service is down until Friday",
        1,
    )
    assert publication.findings[0].startswith("the newest row of weather is of 2013-06-14 16:00 UTC")


def test_a_fresh_view_and_one_of_any_age_stop_nothing(use_case):
    assert stale(use_case, timedelta(hours=6)).run(NIGHT).scored == 10
    assert stale(use_case, timedelta(days=900), limit=None).run(NIGHT, force=True).scored == 10


@dataclass
class Sizes:
    """Features of 60 keys that differ from night to night a little, and on one night not at all."""

    broken: date | None = None

    def retrieve(self, spec, entities):
        day = entities["event_timestamp"][0].date() if entities.height else DAY
        size = (
            (pl.col("entity_key").hash(seed=day.toordinal()) % 1000).cast(pl.Float64)
            if day != self.broken
            else pl.lit(7.0)
        )
        return entities.with_columns(x=size)


def nights(count):
    return [
        Night(model="toy", score_date=DAY + timedelta(n), as_of=NIGHT.as_of + timedelta(n))
        for n in range(count)
    ]


@pytest.fixture
def five_nights(use_case):
    """Four ordinary ones and a fifth on which a feature is constant, not yet scored."""
    *ordinary, fifth = nights(5)
    scoring = changed(
        use_case, raw=Raw([f"k{n}" for n in range(60)]), features=Sizes(broken=fifth.as_of.date())
    )
    for night in ordinary:
        scoring.run(night)
    return scoring, fifth


def test_a_night_whose_inputs_are_not_like_those_before_is_held_back_though_its_scores_look_fine(five_nights):
    scoring, fifth = five_nights
    with pytest.raises(
        AuditFailed,
        match=r"x has many fewer different values than usual \(variety\)\. Numbers: variety 1, expected 5\d",
    ):
        scoring.run(fifth)
    assert scoring.store.publication("toy", fifth.score_date) is None


def test_odd_inputs_may_be_accepted_and_the_next_night_knows_them(five_nights):
    scoring, fifth = five_nights
    scoring.run(fifth, accept="they all grew to the same size")
    publication = scoring.store.publication("toy", fifth.score_date)
    assert publication.findings[0].startswith("x has many fewer different values")
    assert (
        scoring.guard.profiles.trailing("toy", fifth.score_date + timedelta(1), 1)[0].column("x").distinct
        == 1
    )


def test_a_forced_revision_is_compared_with_the_nights_before_it(five_nights):
    scoring, fifth = five_nights
    mended = changed(scoring, features=Sizes())
    with pytest.raises(AuditFailed):
        scoring.run(fifth)
    assert mended.run(fifth, force=True).revision == 2
    with pytest.raises(AuditFailed, match="different values"):
        scoring.run(fifth, force=True)


def test_of_a_large_night_the_rows_of_the_same_entities_are_compared(use_case, monkeypatch):
    """As many rows are sampled for the profile, others every night."""
    monkeypatch.setattr("nightjar.core.comparison.profile.SAMPLE_ROWS", 5)
    for reads in ("readings", "drawn"):
        monkeypatch.setattr(f"nightjar.core.inputs.{reads}.MOST_ROWS", 5)
    run = use_case.run(NIGHT).run_id
    same = same_entities(pl.DataFrame({"entity_key": use_case.inputs.raw.keys}), DAY)
    assert {*use_case.guard.readings.rows[run]["entity_key"]} == {*same["entity_key"]}


def test_what_does_not_add_up_cannot_be_accepted(use_case):
    class Loses(MemoryNights):
        def receipts(self, run):
            return super().receipts(run)[:-1]

    losing = Loses()
    guard = replace(use_case.guard, profiles=MemoryInputProfiles(losing), readings=MemoryReadings(losing))
    with pytest.raises(AuditFailed, match="have no receipt"):
        changed(use_case, store=losing, guard=guard).run(NIGHT, accept="it will do")
    assert losing.publication("toy", DAY) is None
