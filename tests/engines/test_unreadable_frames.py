# SPDX-License-Identifier: Apache-2.0
import logging

import numpy as np
from copying import Copy
from PIL import Image

from monai_i2v.data import VideoCase
from monai_i2v.engines import VideoEvaluator
from monai_i2v.inferers import PropagationInferer


def test_the_first_unreadable_frames_are_named_then_counted(tmp_path, caplog):
    (tmp_path / "frames").mkdir()
    for index in range(9):
        Image.fromarray(np.full((16, 16), 30, np.uint8)).save(tmp_path / f"frames/{index}.png")
        if index > 3:
            (tmp_path / f"frames/{index}.png").write_bytes(b"damaged")
    Image.fromarray(np.ones((16, 16), np.uint8)).save(tmp_path / "mask.png")
    case = VideoCase(str(tmp_path / "frames"), str(tmp_path / "mask.png"), name="frames")
    VideoEvaluator("cpu", [case], Copy(), inferer=PropagationInferer(None)).run()
    *named, last = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text[:15] for text in named] == [f"frames: frame {index}" for index in (4, 5, 6)]
    assert last == "frames: 5 frames cannot be read."
