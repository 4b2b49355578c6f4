import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightjar.adapters.files.atomic import draft_of
from nightjar.adapters.files.shelves import FolderShelf

DAYS_AGO = datetime.now(UTC) - timedelta(days=9)


@pytest.fixture
def folder(tmp_path):
    """A whole file and a draft of another beside it, both nine days old."""
    whole = tmp_path / "raw" / "flights" / "date=2013-06-01" / "part.parquet"
    whole.parent.mkdir(parents=True)
    for path in (whole, draft_of(whole)):
        path.write_text("four")
        os.utime(path, (DAYS_AGO.timestamp(), DAYS_AGO.timestamp()))
    return tmp_path


def names(shelf):
    return [Path(file.uri).name for file in shelf.files()]


def test_drafts_and_whole_files_lie_on_shelves_of_their_own(folder):
    assert names(FolderShelf("copies", (folder,), drafts=False)) == ["part.parquet"]
    (draft,) = FolderShelf("drafts", (folder,), drafts=True).files()
    assert (draft.kind, draft.bytes, draft.changed_at) == ("drafts", 4, DAYS_AGO)
    assert Path(draft.uri).name.startswith(".part.parquet.")


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert names(FolderShelf("copies", (tmp_path / "none",), drafts=False)) == []


def test_a_file_is_discarded_and_leaves_no_trace(folder):
    shelf = FolderShelf("copies", (folder,), drafts=False)
    (file,) = shelf.files()
    assert shelf.discard(file)
    assert not shelf.discard(file)
    assert names(shelf) == []
    assert len(names(FolderShelf("drafts", (folder,), drafts=True))) == 1


def test_a_file_written_to_since_it_was_listed_stays(folder):
    shelf = FolderShelf("copies", (folder,), drafts=False)
    (file,) = shelf.files()
    Path(file.uri).write_text("news")
    assert not shelf.discard(file)
    assert Path(file.uri).read_text() == "news"
