# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
from pathlib import Path

import pytest

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file


def test_file_appears_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "result.csv"
    with complete_file(path) as partial:
        partial.write_text("1")
        assert not path.exists()
        assert partial.suffix == ".csv"
    assert path.read_text() == "1"
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_nothing_and_keeps_what_was(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("old")
    with pytest.raises(TypeError), complete_file(path) as partial:
        partial.write_text(3)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_one_sentence(tmp_path: Path) -> None:
    text = r"result\.csv cannot be written \(No space left on device\); choose a folder that you may write to"
    with pytest.raises(UsageError, match=text), complete_file(tmp_path / "result.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
