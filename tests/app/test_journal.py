# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from monai_i2v.app.journal import Journal
from monai_i2v.app.session_folder import SessionFolder, session_path
from monai_i2v.errors import UsageError


def entries(path):
    journal = Journal(path)
    journal.close()
    return journal.entries


def test_lines_are_there_again_and_one_that_was_cut_off_is_dropped(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append({"do": "draw", "frame": 1})
    journal.append({"do": "undo"})
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"do": "dra')
    again = Journal(path)
    assert again.entries == [{"do": "draw", "frame": 1}, {"do": "undo"}]
    again.append({"do": "redo"})
    again.close()
    assert path.read_bytes().count(b"\n") == 3
    assert entries(path)[2] == {"do": "redo"}


@pytest.mark.parametrize("content", [b"hello\n", b"[1]\n", b"\xff\n"])
def test_what_is_no_journal_is_left_alone(tmp_path, content):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no journal"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append({"do": "undo"})

    def refuse(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UsageError, match="No space left on device"):
        journal.append({"do": "redo"})
    monkeypatch.undo()
    journal.append({"do": "draw"})
    journal.close()
    assert entries(path) == [{"do": "undo"}, {"do": "draw"}]


def test_the_last_session_file_counts_and_earlier_ones_go(tmp_path):
    folder = SessionFolder(session_path(tmp_path, "cine"))
    assert folder.saved() == (None, 0)
    for _ in range(3):
        folder.journal.append({"do": "undo"})
        folder.save(lambda path: path.touch())
    assert [path.name for path in folder.path.glob("*.zip")] == ["session-00000003.zip"]
    assert folder.saved() == (folder.path / "session-00000003.zip", 3)
    folder.close()


def test_one_process_at_a_time(tmp_path):
    first = SessionFolder(tmp_path / "cine.session")
    with pytest.raises(UsageError, match="is open in another process, expected one at a time"):
        SessionFolder(tmp_path / "cine.session")
    first.close()
    SessionFolder(tmp_path / "cine.session").close()


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        SessionFolder(tmp_path / "file" / "cine.session")
