# SPDX-License-Identifier: Apache-2.0
import pytest
from monai.transforms import LoadImage
from PIL import Image

from monai_i2v.data import VideoReader, find_clips
from monai_i2v.errors import UsageError
from monai_i2v.phantoms import Phantom, save_phantom


@pytest.fixture
def folder(tmp_path):
    """A set of two phantoms as movies, and one of frames with masks."""
    for number, objects in enumerate((1, 2)):
        save_phantom(Phantom(length=3, size=(32, 48), objects=objects), tmp_path / f"echo/{number}")
    for kind, value in (("frames", 90), ("masks", 5)):
        (tmp_path / f"heart/a/{kind}").mkdir(parents=True)
        for index in range(2):
            Image.new("L", (20, 10), value).save(tmp_path / f"heart/a/{kind}/{index}.png")
    return tmp_path


def test_clips_are_found_with_the_classes_of_their_first_frame(folder):
    clips = find_clips(folder)
    assert [(clip["set"], clip["classes"]) for clip in clips] == [("echo", [1]), ("echo", [1, 2]), ("heart", [5])]
    assert len(find_clips(folder, ["heart"])) == 1


def test_image_and_label_are_loaded_alike(folder):
    for clip in find_clips(folder):
        image = LoadImage(reader=VideoReader(), ensure_channel_first=True)(clip["image"])
        label = LoadImage(reader=VideoReader(labels=True), ensure_channel_first=True)(clip["label"])
        assert image.shape[1:] == label.shape[1:]
        assert sorted(set(label[..., 0].unique().tolist()) - {0}) == clip["classes"]


def test_a_clip_without_an_object_at_first_is_left_out(folder):
    Image.new("L", (20, 10), 0).save(folder / "heart/a/masks/0.png")
    assert len(find_clips(folder)) == 2
    with pytest.raises(UsageError, match=r"no clip in .* shows an object"):
        find_clips(folder, ["heart"])


def test_what_is_missing_is_said(folder):
    with pytest.raises(UsageError, match=r"has no set 'scope'; expected .*; the sets found are \['echo', 'heart'\]"):
        find_clips(folder, ["scope"])
    with pytest.raises(UsageError, match="holds no labelled clips"):
        find_clips(folder / "nothing")
    (folder / "heart/a/masks/1.png").unlink()
    with pytest.raises(UsageError, match="has 2 frames and 1 masks"):
        find_clips(folder)
    (folder / "echo/0/video.mp4").unlink()
    with pytest.raises(UsageError, match="has masks, but no frames"):
        find_clips(folder)
