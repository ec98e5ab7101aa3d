# SPDX-License-Identifier: Apache-2.0
import errno
import os
import shutil
from pathlib import Path

import pytest

from monai_i2v.errors import UsageError
from monai_i2v.files.work_folder import WorkFolder


def complete(folder, name, text):
    work = begin(folder, name, text)
    work.complete()


def begin(folder, name, text):
    work = WorkFolder(folder, name)
    (work.new / "run.json").write_text(text)
    return work


def content(folder):
    """What each entry of a folder is, hidden ones too."""
    return {path.name: (path / "run.json").read_text() for path in folder.iterdir()}


def kill(work):
    """Leave a run's files as they are when it is killed; the system then frees its lock."""
    work.lock.release()
    work.place.with_name(f"{work.place.name}.lock").touch()


def test_results_appear_when_they_are_complete_and_replace_earlier_ones(tmp_path):
    complete(tmp_path, "a", "old")
    work = begin(tmp_path, "a", "new")
    assert (tmp_path / "a/run.json").read_text() == "old"
    work.complete()
    assert content(tmp_path) == {"a": "new"}


def test_what_is_discarded_leaves_nothing(tmp_path):
    complete(tmp_path, "a", "old")
    begin(tmp_path, "a", "new").discard()
    assert content(tmp_path) == {"a": "old"}


def test_runs_at_the_same_time_leave_each_other_alone_and_the_last_one_counts(tmp_path):
    first, second, other = (begin(tmp_path, name, text) for name, text in (("a", "1"), ("a", "2"), ("b", "3")))
    second.complete()
    first.complete()
    other.complete()
    assert content(tmp_path) == {"a": "1", "b": "3"}


def test_a_run_that_completes_while_another_one_does_loses_nothing(tmp_path, monkeypatch):
    complete(tmp_path, "a", "old")
    first, second = begin(tmp_path, "a", "1"), begin(tmp_path, "a", "2")
    rename = Path.rename

    def rename_slowly(path, target):
        if path == first.new and second.new.exists():
            second.complete()  # after the first one put the earlier results away
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_slowly)
    first.complete()
    assert content(tmp_path) == {"a": "1"}


def test_what_a_killed_run_left_goes_at_the_next_run(tmp_path):
    complete(tmp_path, "a", "old")
    kill(begin(tmp_path, "a", "half"))
    complete(tmp_path, "b", "new")
    assert content(tmp_path) == {"a": "old", "b": "new"}


def test_earlier_results_that_a_killed_run_put_away_come_back_at_the_next_run(tmp_path):
    complete(tmp_path, "a", "old")
    work = begin(tmp_path, "a", "new")
    (work.place / "earlier-0").mkdir()
    (tmp_path / "a").rename(work.place / "earlier-0/a")
    kill(work)
    begin(tmp_path, "b", "new").discard()
    assert content(tmp_path) == {"a": "old"}


@pytest.mark.parametrize("call", [1, 2])
def test_earlier_results_come_back_when_the_new_ones_cannot_take_their_place(tmp_path, monkeypatch, call):
    complete(tmp_path, "a", "old")
    work, calls, rename = begin(tmp_path, "a", "new"), [], Path.rename

    def fail(path, target):
        calls.append(path)
        if len(calls) == call:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(UsageError, match=r"cannot be written \(Input/output error\); choose"):
        work.complete()
    assert content(tmp_path) == {"a": "old"}


def test_what_is_no_result_stays_even_when_it_appears_in_the_meantime(tmp_path):
    work = begin(tmp_path, "a", "new")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/diary.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"a exists and is no earlier result \(it has no run\.json\)"):
        work.complete()
    with pytest.raises(UsageError, match=r"a exists and is no earlier result"):
        WorkFolder(tmp_path, "a")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "diary.txt"]


def test_a_name_that_is_too_long_is_said_before_the_work(tmp_path):
    with pytest.raises(UsageError, match="File name too long"):
        WorkFolder(tmp_path, "a" * 256)
    assert not list(tmp_path.iterdir())


def test_an_output_directory_that_vanishes_is_explained(tmp_path):
    work = begin(tmp_path / "out", "a", "new")
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(UsageError, match="out cannot be written"):
        work.complete()
    assert not list(tmp_path.iterdir())
