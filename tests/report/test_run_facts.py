# SPDX-License-Identifier: Apache-2.0
import hashlib
from pathlib import Path

from monai_i2v.report import describe_files, sha256_of


def test_the_sum_of_a_file_is_that_of_its_content(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"movie")
    assert sha256_of(tmp_path / "a.mp4") == hashlib.sha256(b"movie").hexdigest()
    assert describe_files({"video": tmp_path / "a.mp4"}, anonymize=True)["video"]["name"] is None


def test_the_sum_of_a_folder_is_that_of_the_names_and_contents_of_its_files(tmp_path):
    for name in ("0.png", "1.png"):
        (tmp_path / name).write_bytes(name.encode())
    before = sha256_of(tmp_path)
    assert before == sha256_of(tmp_path / "*.png")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/0.png").write_bytes(b"a result")
    assert sha256_of(tmp_path) == before
    (tmp_path / "1.png").rename(tmp_path / "2.png")
    assert sha256_of(tmp_path) != before


def test_what_cannot_be_read_has_no_sum(tmp_path, monkeypatch):
    assert sha256_of(tmp_path / "gone.mp4") is None
    assert sha256_of(tmp_path) is None
    (tmp_path / "0.png").write_bytes(b"x")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert sha256_of(tmp_path) is None
    assert sha256_of(tmp_path / "0.png") is None
