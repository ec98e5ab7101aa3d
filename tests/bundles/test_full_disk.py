# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up costs neither the earlier results nor the sentence (DESIGN.md 5)."""

import contextlib
import errno
import itertools
import os
import pkgutil

import numpy as np
import pytest
from bundle_command import assert_explained
from PIL import Image

LIMIT = 8000  # bytes


@contextlib.contextmanager
def limited_files():
    """No file of this process can grow larger than `LIMIT`; what pytest writes to may be larger already."""
    resource = pytest.importorskip("resource", reason="the system has no limits of file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_grow_is_explained_and_leaves_nothing(run_badly):
    with limited_files():
        answer = run_badly()
    assert_explained(answer, "contact_sheet.png cannot be written (File too large)", "choose", "has space")


def test_a_movie_that_cannot_grow_is_explained_and_leaves_nothing(run_badly, recording):
    for index in range(4):
        noise = np.random.default_rng(index).integers(0, 256, (64, 80), np.uint8)
        Image.fromarray(noise).save(recording / f"frames/frame_{index}.png")
    with limited_files():
        answer = run_badly()
    assert_explained(answer, "overlay.mp4 cannot be written (File too large)", "choose", "has space")


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("monai_i2v.masks.mask_writers.save_png_labels", 3),  # in the middle of the video
        ("monai_i2v.media.movie_writer.av.open", 1),  # when the folder of the new results was just made
        ("pathlib.Path.write_text", 1),  # run.json, the last file
        ("pathlib.Path.rename", 2),  # the earlier results are out of the way, the new ones not yet in place
    ],
)
def test_a_full_disk_is_explained_and_leaves_nothing(function, call, run_badly, monkeypatch):
    original = pkgutil.resolve_name(function)
    calls = itertools.count(1)

    def fail(*args, **kwargs):
        if next(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*args, **kwargs)

    monkeypatch.setattr(function, fail)
    assert_explained(run_badly(), "cannot be written", "(No space left on device)", "space")
