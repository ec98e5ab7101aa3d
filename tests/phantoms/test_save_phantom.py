# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.phantoms.phantom import Phantom
from monai_i2v.phantoms.save_phantom import save_phantom


def test_movie_and_masks_are_those_of_the_phantom(tmp_path: Path) -> None:
    phantom = Phantom("endoscope", size=(64, 80), length=3, objects=2)
    save_phantom(phantom, tmp_path / "new" / "folder")
    with av.open(str(tmp_path / "new" / "folder" / "video.mp4")) as movie:
        frames = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
    assert len(frames) == 3
    assert np.abs(frames[2].astype(int) - phantom.read(2)).mean() < 4  # of 255
    masks = sorted((tmp_path / "new" / "folder" / "masks").iterdir())
    assert [mask.name for mask in masks] == ["00000.png", "00001.png", "00002.png"]
    with Image.open(masks[1]) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), phantom.label_map(1))
        assert image.getpalette()[:6] == [0, 0, 0, 86, 180, 233]


def test_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"video\.mp4 cannot be written .*; choose a folder"):
        save_phantom(Phantom(size=(32, 32), length=1), tmp_path / "file")
