# SPDX-License-Identifier: Apache-2.0
import errno
import os

import pytest

from monai_i2v.errors import UsageError
from monai_i2v.files import scratch_file
from monai_i2v.files.scratch_file import ScratchFile


@pytest.mark.parametrize("memory", [100, 3])  # all in memory, or on disk
def test_what_was_kept_comes_back_and_is_forgotten_from_the_end(memory, monkeypatch):
    monkeypatch.setattr(scratch_file, "MEMORY", memory)
    file = ScratchFile()
    assert [file.append(text) for text in (b"abc", b"de", b"fghi")] == [0, 3, 5]
    assert bool(file.file.name) == (memory == 3)
    assert file.read(3, 2) == b"de"
    file.cut(5)
    assert file.append(b"x") == 5
    assert file.read(0, 99) == b"abcdex"


def test_a_full_disk_is_one_sentence(monkeypatch):
    file = ScratchFile()

    def fail(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file.file, "write", fail)
    with pytest.raises(UsageError, match=r"the temporary folder .* \(No space left on device\); .* set TMPDIR"):
        file.append(b"abc")
