"""A Feast repository that is not ours: what `feast init` writes, with its own data and services."""

import os
import sys
import warnings
from pathlib import Path

import polars as pl
import pytest

DUCKDB = "offline_store:\n    type: duckdb\n"


@pytest.fixture(scope="session")
def drivers(tmp_path_factory) -> Path:
    """The folder of its feature_store.yaml, after `feast apply`. It names no offline store."""
    from feast.repo_config import load_repo_config
    from feast.repo_operations import apply_total, init_repo

    folder = tmp_path_factory.mktemp("feast") / "drivers"
    init_repo("drivers", "local", str(folder))
    repo = folder / "feature_repo"
    yaml = repo / "feature_store.yaml"
    written = yaml.read_text()
    yaml.write_text(written + DUCKDB)  # to apply, Feast would import its default store
    here = Path.cwd()
    try:
        os.chdir(repo)
        sys.path.insert(0, str(repo))
        with warnings.catch_warnings(action="ignore"):  # its own definitions cause some
            apply_total(load_repo_config(repo, yaml), repo, skip_source_validation=True)
    finally:
        os.chdir(here)
        sys.path.remove(str(repo))
        for name in ("feature_definitions", "__init__"):
            sys.modules.pop(name, None)
    yaml.write_text(written)
    return repo


@pytest.fixture(scope="session")
def stats(drivers) -> pl.DataFrame:
    """Its rows."""
    return pl.read_parquet(drivers / "data" / "driver_stats.parquet")
