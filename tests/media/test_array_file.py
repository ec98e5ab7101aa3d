# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.media.array_file import open_array

GRAY = np.arange(3 * 4 * 6).reshape(3, 4, 6)  # (T, H, W)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, ">u2"])
def test_gray_arrays_keep_their_values(tmp_path, name, dtype):
    (np.save if name == "a.npy" else np.savez)(tmp_path / name, GRAY.astype(dtype))
    video = open_array(tmp_path / name)
    assert (video.info.kind, len(video), video.info.height, video.info.width) == ("array", 3, 4, 6)
    assert video.read(2)[3, 5].tolist() == [71]
    assert video[1].shape == (3, 4, 6)


def test_colors_and_truth_values(tmp_path):
    np.save(tmp_path / "a.npy", np.stack([GRAY, GRAY + 1, GRAY + 2], -1).astype(np.uint8))
    assert open_array(tmp_path / "a.npy").read(2)[3, 5].tolist() == [71, 72, 73]
    np.save(tmp_path / "a.npy", GRAY > 0)
    assert open_array(tmp_path / "a.npy")[0][0, 0, :2].tolist() == [0, 1]
    np.save(tmp_path / "a.npy", np.asfortranarray(GRAY))
    assert open_array(tmp_path / "a.npy").read(2)[3, 5, 0] == 71


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 6)),
        np.zeros((4, 6, 3)),  # one picture
        np.zeros((5, 3, 40, 60)),  # channels first
        np.zeros((0, 4, 6)),
        np.zeros((3, 4, 6), complex),
    ],
)
def test_other_shapes_and_types(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UsageError, match=r"a\.npy holds an array \(.*\) of type .*; expected numbers \(frames, rows"):
        open_array(tmp_path / "a.npy")


def test_an_npz_file_with_other_things_beside_the_frames(tmp_path):
    np.savez(tmp_path / "a.npz", spacing=np.ones(2), video=GRAY)
    assert open_array(tmp_path / "a.npz").read(2)[3, 5, 0] == 71
    np.savez(tmp_path / "a.npz", one=GRAY, two=GRAY)
    with pytest.raises(UsageError, match=r"holds 2 arrays that can be videos \(one, two\); expected one"):
        open_array(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz")
    with pytest.raises(UsageError, match="holds no arrays"):
        open_array(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_files_and_objects(tmp_path, name):
    (np.save if name == "a.npy" else np.savez)(tmp_path / name, GRAY)
    content = (tmp_path / name).read_bytes()
    for part in (b"no array", content[:5], content[: len(content) // 2]):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(UsageError, match="cannot be read as NumPy arrays of numbers; it is damaged"):
            open_array(tmp_path / name)
    np.save(tmp_path / "a.npy", np.array([{}, {}], object), allow_pickle=True)
    with pytest.raises(UsageError, match="cannot be read as NumPy arrays of numbers"):
        open_array(tmp_path / "a.npy")
