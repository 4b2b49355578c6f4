"""Store the population of a run when it is claimed, as one Parquet file per part.

So a part reads and verifies only its own rows.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from nightjar.core.inputs.drawn import Drawing
from nightjar.core.model.generations import Generations
from nightjar.core.night.entities import Part, Population, Run
from nightjar.core.night.population import cut, nth_part
from nightjar.core.night.repair import sound, without_carried
from nightjar.core.parquet import parquet
from nightjar.core.ports.artifacts import Artifacts
from nightjar.core.upkeep.retention import StoredFile
from nightjar.usecases.scoring.sorting import Batches, Sorting, in_parts

SUFFIX, GENERATIONS = ".parquet", ".json"


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Populations as bundles of the artifact store."""

    artifacts: Artifacts

    def fix(
        self,
        rows: pl.DataFrame,
        part_rows: int,
        generations: Generations | None = None,
        drawing: Drawing | None = None,
    ) -> Population:
        """Store the rows of a night, cut into parts of at most part_rows.

        The same arguments give the same population.
        generations: those of the feature tables that the night reads, whenever its parts are scored. They are
        the bundle's last file. If all are the first ones, there is no such file, as there was none before
        tables had generations. drawing: takes what can be scored of each part, which so need not be read
        again.
        """
        parts = cut(rows.height, part_rows)
        slices = (rows.slice(part.start, part.rows) for part in parts)
        return self._fix(slices, parts, generations, drawing)

    def fix_streamed(
        self,
        batches: Callable[[Path], Batches],
        part_rows: int,
        generations: Generations | None = None,
        drawing: Drawing | None = None,
    ) -> Population | None:
        """Do the same with rows in no order that come in batches. None, and nothing stored: there is none.

        They are put in order on the disk. Memory holds a batch, or what is sorted at once.
        batches: gives them, and may leave them in a folder that is there until they are stored.
        """
        with tempfile.TemporaryDirectory() as folder:
            sorting = Sorting(Path(folder)).take(batches(Path(folder)))
            parts = cut(sorting.rows, part_rows)
            rows = in_parts(sorting.sorted(), parts)
            return self._fix(rows, parts, generations, drawing) if parts else None

    def _fix(
        self,
        rows: Iterable[pl.DataFrame],
        parts: Sequence[Part],
        generations: Generations | None,
        drawing: Drawing | None,
    ) -> Population:
        named = {table: name for table, name in sorted((generations or {}).items()) if name}
        height = sum(part.rows for part in parts)
        if drawing is not None:
            drawing.begin(height)
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{part.number}{SUFFIX}" for part in parts]
            for of_part, file in zip(rows, files, strict=True):
                file.write_bytes(parquet(of_part))
                if drawing is not None:
                    drawing.take(sound(of_part))
            if named:
                files.append(Path(folder) / f"generations{GENERATIONS}")
                files[-1].write_text(json.dumps(named))
            uri, sha256 = self.artifacts.put_bundle("population", files)
        return Population(uri=uri, sha256=sha256, rows=height, parts=len(parts))

    def fix_again(self, run: Run, drawing: Drawing | None = None) -> Population:
        """Store the rows of a run's population in the same parts, without scores that a repair kept."""
        rows, parts = without_carried(self.whole(run)), parts_of(run)
        return self.fix(rows, -(-rows.height // len(parts)), self.generations(run), drawing)

    def generations(self, run: Run) -> Generations:
        """The generations of the feature tables that the run reads. Raises ArtifactBroken."""
        population = fixed(run)
        place = population.uri, population.sha256
        if _in_one_file(run) or self.artifacts.members(*place) == population.parts:
            return {}
        return generations_in(self.artifacts.get_member(*place, population.parts, GENERATIONS))

    def whole(self, run: Run) -> pl.DataFrame:
        """All rows of a run's population, in their order. Raises ArtifactBroken."""
        return pl.concat(self.part(run, part) for part in parts_of(run))

    def of_keys(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        """The rows with these keys, in their order. Of the other rows only the key is read.

        Of parts that end before the first of the keys, or begin after the last, nothing is read: their files
        say so. Raises ArtifactBroken.
        """
        key = pl.col("entity_key")
        wanted = key.is_between(pl.lit(keys.min()), pl.lit(keys.max())) & key.is_in(keys.implode())
        return pl.scan_parquet(self._files(run), glob=False).filter(wanted).collect()

    def part(self, run: Run, part: Part) -> pl.DataFrame:
        """The rows of one part. No other part is read. Raises ArtifactBroken."""
        return self._scanned(run, part).collect()

    def _scanned(self, run: Run, part: Part) -> pl.LazyFrame:
        if _in_one_file(run):
            return pl.scan_parquet(self._files(run), glob=False).slice(part.start, part.rows)
        return pl.scan_parquet(self._file(run, part), glob=False)

    def _files(self, run: Run) -> list[Path]:
        if _in_one_file(run):
            population = fixed(run)
            return [self.artifacts.get(population.uri, population.sha256)]
        return [self._file(run, part) for part in parts_of(run)]

    def _file(self, run: Run, part: Part) -> Path:
        population = fixed(run)
        return self.artifacts.get_member(population.uri, population.sha256, part.number, SUFFIX)


def generations_named(artifacts: Artifacts, file: StoredFile) -> Generations:
    """What the last file of a stored population says, of whatever run. Raises ArtifactBroken."""
    bundle, number, _ = file.uri.rsplit(".", 2)
    manifest = f"{bundle}.parts", PurePosixPath(bundle).name
    return generations_in(artifacts.get_member(*manifest, int(number), GENERATIONS))


def generations_in(file: Path) -> Generations:
    """Feature table -> name of its generation."""
    named: Generations = json.loads(file.read_text())
    return named


def parts_of(run: Run) -> tuple[Part, ...]:
    """The parts as first cut. A later change of part_rows does not change the parts of an unfinished run."""
    return () if run.population is None else tuple(part_of(run, n) for n in range(run.population.parts))


def part_of(run: Run, number: int) -> Part:
    """One of `parts_of`."""
    population = fixed(run)
    return nth_part(population.rows, population.parts, number)


def _in_one_file(run: Run) -> bool:
    """True for a population that was stored before parts had files of their own."""
    return fixed(run).uri.endswith(SUFFIX)


def fixed(run: Run) -> Population:
    if run.population is None:
        raise ValueError(f"run {run.id} has no population yet")
    return run.population
