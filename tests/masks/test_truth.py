# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.masks import Truth
from monai_i2v.media import open_video
from monai_i2v.phantoms import Phantom, save_phantom


def save(folder, name, value, size=(16, 24)):
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.full(size, value, np.uint8)).save(folder / name)


@pytest.fixture
def frames(tmp_path):
    """Three frames: a, b, c."""
    for name in "abc":
        save(tmp_path / "frames", f"{name}.png", 100)
    with open_video(tmp_path / "frames") as video:
        yield video


def test_masks_of_some_frames_go_by_name(tmp_path, frames):
    save(tmp_path / "masks", "c.png", 7)
    truth = Truth(tmp_path / "masks", frames)
    assert [truth[0], truth[1]] == [None, None]
    assert np.unique(truth[2]).tolist() == [7]
    assert truth[2].dtype == np.int32


def test_masks_with_other_names_go_by_order_when_there_is_one_per_frame(tmp_path, frames):
    for index in range(3):
        save(tmp_path / "masks", f"{10 - index}.png", 10 - index)
    truth = Truth(tmp_path / "masks", frames)
    assert [truth[index].max() for index in range(3)] == [8, 9, 10]


def test_a_movie_takes_a_folder_or_a_file_of_masks(tmp_path):
    phantom = Phantom(length=3, size=(32, 48))
    save_phantom(phantom, tmp_path)
    with open_video(tmp_path / "video.mp4") as video:
        pages = [Image.fromarray(phantom.label_map(index).astype(np.uint8)) for index in range(3)]
        pages[0].save(tmp_path / "masks.tif", save_all=True, append_images=pages[1:])
        for path in (tmp_path / "masks", tmp_path / "masks.tif"):
            truth = Truth(path, video)
            assert all(np.array_equal(truth[index], phantom.label_map(index)) for index in range(3))


@pytest.mark.parametrize(
    ("names", "size", "message"),
    [
        (["x.png", "y.png"], (16, 24), "has 2 masks, but the video .* has 3 frames of 24 x 16 px"),
        (["a.png"], (16, 25), "has masks of 25 x 16 px, but the video"),
    ],
)
def test_masks_of_another_video_are_refused(tmp_path, frames, names, size, message):
    for name in names:
        save(tmp_path / "masks", name, 1, size)
    with pytest.raises(UsageError, match=message):
        Truth(tmp_path / "masks", frames)[0]


def test_a_file_with_too_few_masks_is_refused(tmp_path, frames):
    pages = [Image.fromarray(np.ones((16, 24), np.uint8))] * 2
    pages[0].save(tmp_path / "masks.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(UsageError, match=r"has 2 masks, but the video .* has 3 frames"):
        Truth(tmp_path / "masks.tif", frames)
