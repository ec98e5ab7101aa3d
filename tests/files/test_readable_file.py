# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from monai_i2v.errors import UsageError
from monai_i2v.files.readable_file import check_readable


def test_a_file_is_readable(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    check_readable(tmp_path / "a.mp4")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_opened(tmp_path, make):
    make(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match=r"a\.mp4 is a folder, pipe or device; expected a list in a file; choose"):
        check_readable(tmp_path / "a.mp4", "a list")


@pytest.mark.parametrize("name", ["gone.mp4", "a\0.mp4", "a\ud800.mp4"])
def test_names_of_no_file_do_not_exist(tmp_path, name):
    with pytest.raises(UsageError, match="does not exist; expected a file; check the name"):
        check_readable(tmp_path / name)


def test_the_system_has_a_say(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read \(File name too long\); expected a recording or a mask"):
        check_readable(tmp_path / ("a" * 300))
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(UsageError, match=r"empty\.mp4 is empty \(0 bytes\); expected a recording or a mask; copy"):
        check_readable(tmp_path / "empty.mp4")
