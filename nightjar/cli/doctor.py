"""The doctor checks everything that a night needs. Each check says what to do when it fails."""

import os
import socket
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from nightjar.adapters.files.room import disks_of
from nightjar.cli.options import ANSWERS_WITHIN_S
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.cluster import WorkerUnfit
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import ArtifactsLost, DeliveriesLost, DeliveriesSetAside, FilesLost
from nightjar.core.model.spec import ModelSpec, RawDataset
from nightjar.core.plurals import counted
from nightjar.core.telling.incidents import UNWATCHED
from nightjar.showing import console
from nightjar.showing.remedies import ASK_THE_DOCTOR, told
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

if TYPE_CHECKING:
    from nightjar.server import checks

Check = Callable[[Platform], str]
CheckOfModel = Callable[[Platform, ModelSpec], str]
Row = tuple[str, str, str]
UNASKED = "-"
"""Marks what is not there, and need not be."""
ENOUGH_DISK_GB = 2
BUILD = "`nightjar features build --model {model}` does it now."


def run(platform: Platform) -> bool:
    """Run every check and show a line for each. Return True if none fails."""
    rows = [verdict(name, partial(check, platform)) for name, check in CHECKS.items()]
    rows.extend(of_models(platform))
    rows.extend(prefect(platform.settings))
    console.out.print(console.table("doctor", ("check", "", "what was found"), rows))
    return all(row[1] in {"ok", UNASKED} for row in rows)


def of_models(platform: Platform) -> Iterator[Row]:
    """The checks of each model that can be used, and what is wrong with the others."""
    import models

    for spec in models.MODELS.values():
        for name, check in CHECKS_OF_A_MODEL.items():
            yield verdict(f"{spec.name}: {name}", partial(check, platform, spec))
    for name, error in models.BROKEN.items():
        yield f"{name}: model", "NO", told(error)


class NotNeeded(Exception):
    """What a check looks for is not there, and need not be."""


def verdict(name: str, check: Callable[[], str]) -> Row:
    try:
        return name, "ok", check()
    except NotNeeded as why:
        return name, UNASKED, str(why)
    except NightjarError as error:
        return name, "NO", told(error).replace(f" {ASK_THE_DOCTOR}", "")
    except Exception as error:  # noqa: BLE001  # a doctor reports every error
        return name, "NO", f"{type(error).__name__}: {error}"


NO_SERVER = "PREFECT_API_URL is not set, and `nightjar up` does not run"


def has_server(settings: Settings) -> bool:
    """True if there is a Prefect server to ask. The test takes no time and does not import Prefect."""
    return bool(os.environ.get("PREFECT_API_URL")) or listened_to(settings.prefect_port)


def prefect(settings: Settings) -> list[Row]:
    """Return rows about the Prefect server.

    There is only one row if the server does not let us in, or if there is none. Nights can be scored without.
    """
    name = "prefect server"
    if not has_server(settings):
        return [(name, "ok", f"none to look at: {NO_SERVER}")]
    from nightjar.server import checks
    from nightjar.server.deploy import api_url, connected_briefly

    def asked(check: "checks.Check") -> str:
        with connected_briefly(settings, api_url(settings), ANSWERS_WITHIN_S) as client:
            return check(client, settings)

    first = verdict(name, partial(asked, checks.server))
    return [
        first,
        *(verdict(name, partial(asked, check)) for name, check in checks.CHECKS.items() if first[1] == "ok"),
    ]


def listened_to(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def postgres(platform: Platform) -> str:
    from sqlalchemy import text

    from db.locks import require_own_sessions

    require_own_sessions(platform.engine)
    with platform.engine.connect() as connection:
        version = connection.execute(text("SHOW server_version")).scalar_one()
        if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
            raise StoreUnavailable(
                "The score database", "it takes no writes; it is a standby, or was made read-only"
            )
    return f"Postgres {version}, {'embedded' if platform.embedded else 'yours'}, schema up to date"


def champion(platform: Platform, spec: ModelSpec) -> str:
    """Whether the champion loads, and whether rows are still made as when it was trained."""
    from nightjar.adapters.learners.store import PredictorStore
    from nightjar.usecases.scoring.guard import trained_otherwise
    from nightjar.usecases.scoring.scorers import no_champion

    version = platform.registry.holder(spec.name, "champion")
    if version is None:
        raise no_champion(platform.registry, spec.name)
    PredictorStore(platform.artifacts).load(spec, version)
    platform.artifacts.get(version.reference_uri)  # its bytes are compared with its name
    generations, recipes = platform.features.generations(spec), platform.recipes_of_model(spec)
    other = trained_otherwise(spec, platform.feature_files, version, generations, recipes)
    told = (
        f"; the code of {', '.join(other)} changed since: `nightjar retrain --model {spec.name}`"
        if other
        else ""
    )
    return f"{spec.name} version {version.number} loads, trained through {version.trained_through}{told}"


def golden_rows(platform: Platform, spec: ModelSpec) -> str:
    """Whether champion and challenger give what they gave at their registration. Raises PredictsOtherwise."""
    scorer = platform.night_inputs(spec).scorer
    told: list[str] = []
    for role in ("champion", "challenger"):
        if (version := platform.registry.holder(spec.name, role)) is not None:
            scorer.require_as_registered(version)
            kept = "predicts its golden rows as at its registration" if version.golden_uri else "has none"
            told.append(f"{role}, version {version.number}, {kept}")
    return "; ".join(told) or "there is no champion yet"


def libraries(platform: Platform, spec: ModelSpec) -> str:
    """Which libraries are others than those that the champion was trained with."""
    from nightjar.adapters.surroundings import versions_of
    from nightjar.core.model.record import differing

    version = platform.registry.holder(spec.name, "champion")
    if version is None:
        return "there is no champion yet"
    if version.record is None:
        return f"version {version.number} was trained before libraries were recorded"
    trained_with = version.record.surroundings.libraries
    if other := differing(trained_with, versions_of(trained_with)):
        return f"others than version {version.number} was trained with: {'; '.join(other)}"
    return f"those that version {version.number} was trained with ({len(trained_with)})"


def feature_registry(platform: Platform, spec: ModelSpec) -> str:
    platform.features.require(spec)
    return "; ".join((f"it has feature service {spec.feature_service}", *platform.features.limits(spec)))


def data(platform: Platform, spec: ModelSpec) -> str:
    """Which days there are of each dataset, and which tables have no past.

    Raises DataGone, DeliveriesLost, and BadTable for a table whose newest day is not as declared.
    """
    from nightjar.usecases.data.landing import lost
    from nightjar.usecases.data.tables import require_as_declared

    raw = platform.raw_of(spec)
    platform.require_data(spec)
    if gone := lost(spec, raw):
        raise DeliveriesLost(gone, spec.name)
    require_as_declared(spec, raw, datetime.now(UTC).date())
    return ", ".join(known_of(dataset, raw.days(dataset.name)) for dataset in spec.datasets)


def known_of(dataset: RawDataset, days: Collection[date]) -> str:
    if not days:
        return f"{dataset.name}: none {'landed yet' if dataset.delivered else 'in its table'}"
    past = (
        "" if dataset.remembers else " (only as it is now: a night that is over cannot be replayed from it)"
    )
    return f"{dataset.name} to {max(days)}{past}"


def deliveries(platform: Platform, spec: ModelSpec) -> str:
    """Raises DeliveriesSetAside if deliveries are set aside."""
    from nightjar.usecases.data.landing import set_aside

    if refusals := set_aside(spec, platform.raw_of(spec)):
        raise DeliveriesSetAside(spec.name, [f"{refusal.dataset} {refusal.about}" for refusal in refusals])
    return "none is set aside"


def features(platform: Platform, spec: ModelSpec) -> str:
    """Raises FilesLost if files of the tables are gone. They are not built here."""
    if spec.features is not None:
        return f"they come from {spec.features.repo}, and no table is built"
    plans = platform.prepare(spec).plans()
    if lost := sorted(file for plan in plans for file in plan.lost):
        remedy = "The next night builds them again from the raw days."
        raise FilesLost("Files of feature tables", lost, f"{remedy} {BUILD.format(model=spec.name)}")
    plans = [plan for plan in plans if plan.rebuilds]
    if not plans:
        return "feature tables are as their code has them"
    return f"{console.rebuilds_told(plans)}. {BUILD.format(model=spec.name)}"


def artifacts(platform: Platform) -> str:
    """Whether the store works, and has every file that a row names. Raises ArtifactsLost."""
    from db.stores.holdings import PostgresHoldings

    platform.artifacts.probe()
    named = {each.uri for each in PostgresHoldings(platform.engine).named()}
    if lost := platform.artifacts.lost(named):
        raise ArtifactsLost(lost)
    return f"{platform.settings.artifacts} takes and gives files, and has all {len(named):,} that are named"


def disk(platform: Platform) -> str:
    """The disks of the home and of the data folder."""
    settings = platform.settings
    home = next(place for place in (settings.home, *settings.home.parents) if place.exists())
    least = min(disks_of(home, settings.data), key=lambda disk: disk.free)
    free = least.free / 1e9
    if free < ENOUGH_DISK_GB:
        raise OSError(
            f"{free:.1f} GB free at {least.place}; nightly data and Postgres need {ENOUGH_DISK_GB}. Free "
            "some, or set NIGHTJAR_HOME or NIGHTJAR_DATA_DIR."
        )
    return f"{free:.0f} GB free"


def watcher(platform: Platform) -> str:
    """Nights can be scored without a watcher. Raises NotNeeded."""
    if not platform.incidents().watched():
        raise NotNeeded(f"{UNWATCHED} `nightjar watch` runs one.")
    return "one looks"


def parts(platform: Platform) -> str:
    """Who scores the parts of nights. Raises ClusterGone, WorkerUnfit."""
    from nightjar.wiring.executors import unfit_workers

    settings = platform.settings
    if settings.executor != "dask":
        return f"scored by {settings.threads} {settings.executor}"
    found = unfit_workers(platform)
    unfit = {worker: problems for worker, problems in found.items() if problems}
    if unfit:
        told = [f"{worker}: {', '.join(problems)}" for worker, problems in unfit.items()]
        raise WorkerUnfit(f"Of {counted(len(found), 'worker')}, each of these", told)
    return f"scored by {counted(len(found), 'worker')} of {settings.scheduler}"


CHECKS: dict[str, Check] = {
    "disk": disk,
    "artifacts": artifacts,
    "database": postgres,
    "parts": parts,
    "watcher": watcher,
}
CHECKS_OF_A_MODEL: dict[str, CheckOfModel] = {
    "data": data,
    "deliveries": deliveries,
    "features": features,
    "feature registry": feature_registry,
    "champion": champion,
    "libraries": libraries,
    "golden rows": golden_rows,
}
