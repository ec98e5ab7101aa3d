# SPDX-License-Identifier: Apache-2.0
import ignite.distributed as idist
import pytest

from monai_i2v.compute import batch_share
from monai_i2v.engines import VideoEvaluator
from monai_i2v.engines import video_evaluator as module
from monai_i2v.errors import UsageError
from monai_i2v.inferers import AutocastInferer, PropagationInferer


@pytest.mark.parametrize(("batch", "processes", "share"), [(8, 1, 8), (8, 4, 2), (3, 3, 1)])
def test_processes_share_a_batch_evenly(batch, processes, share, monkeypatch):
    monkeypatch.setattr(idist, "get_world_size", lambda: processes)
    assert batch_share(batch) == share


@pytest.mark.parametrize(("batch", "processes", "use"), [(1, 3, 3), (4, 3, 6), (2, 8, 8)])
def test_a_batch_that_processes_cannot_share_is_one_sentence(batch, processes, use, monkeypatch):
    monkeypatch.setattr(idist, "get_world_size", lambda: processes)
    with pytest.raises(
        UsageError,
        match=rf"^batch_size is {batch}, which {processes} .*, expected a multiple of {processes}; use {use},",
    ):
        batch_share(batch)


def test_videos_are_shared_when_a_run_begins_and_not_before(image_net, monkeypatch):
    shared = []
    monkeypatch.setattr(module, "share_cases", lambda cases: shared.append(cases) or [])
    evaluator = VideoEvaluator("cpu", [], image_net, inferer=PropagationInferer(None))
    assert shared == []
    evaluator.run()
    assert shared == [[]]


def test_mixed_precision_is_off_when_the_command_line_says_false():
    assert AutocastInferer(enabled="false").enabled is False
    with pytest.raises(UsageError, match="amp is 'maybe', expected true or false"):
        AutocastInferer(enabled="maybe")
