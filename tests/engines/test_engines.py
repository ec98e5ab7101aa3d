# SPDX-License-Identifier: Apache-2.0
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from copying import Copy

from monai_i2v.adaptation import Adapted, preset_trainer, relearner
from monai_i2v.compute import select_device
from monai_i2v.data import VideoCase
from monai_i2v.engines import VideoEvaluator, VideoEvents
from monai_i2v.errors import UsageError
from monai_i2v.handlers import SaveVideoResults, SummarizeVideos
from monai_i2v.inferers import PropagationInferer
from monai_i2v.media.movie import Movie
from monai_i2v.phantoms import Phantom, save_phantom


@pytest.fixture
def case(tmp_path):
    save_phantom(Phantom(length=3, size=(32, 32), objects=2), tmp_path)
    return VideoCase(str(tmp_path / "video.mp4"), str(tmp_path / "masks/00001.png"), 1, "phantom")


def evaluator(cases, **options):
    return VideoEvaluator("cpu", cases, Copy(), inferer=PropagationInferer(None), **options)


def test_handlers_hear_of_the_video_and_of_every_frame_in_order(case):
    engine, heard = evaluator([case]), []
    for event in VideoEvents:
        engine.add_event_handler(event, lambda engine, event: heard.append(event.value), event)
    frames = []
    engine.add_event_handler(VideoEvents.FRAME_COMPLETED, lambda engine: frames.append(engine.state.output))
    engine.run()
    assert heard == ["video_started", "video_adapted", *["frame_completed"] * 3, "video_completed", "all_completed"]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert set(frames[0].label_map[frames[0].label_map > 0].tolist()) == {1, 2}
    assert (frames[0].label_map == frames[1].label_map).all()
    assert engine.state.video_run.labels == [1, 2]


def test_a_failed_handler_ends_the_video_and_says_so(case):
    engine, heard = evaluator([case]), []

    def fail():
        raise KeyError("bug")

    engine.add_event_handler(VideoEvents.FRAME_COMPLETED, fail)
    engine.add_event_handler(VideoEvents.VIDEO_FAILED, lambda: heard.append("failed"))
    with pytest.raises(KeyError):
        engine.run()
    assert heard == ["failed"]


def test_a_second_run_starts_anew(case):
    engine, count = evaluator([case, VideoCase("missing.mp4", "m.png")]), []
    engine.add_event_handler(VideoEvents.VIDEO_COMPLETED, lambda: count.append(1))
    for _ in range(2):
        with pytest.raises(UsageError, match=r"missing\.mp4"):
            engine.run()
    assert len(count) == 2


def test_a_method_that_adapts_before_it_segments_does_not_slide(case):
    with pytest.raises(UsageError, match="scope is 'sliding', but this method cannot do so"):
        evaluator([case], adaptation=relearner("relearning"), scope="sliding")


@pytest.mark.parametrize("scope", ["video", "dataset"])
def test_an_adaptation_and_the_masks_that_follow_tell_of_a_small_object_once(scope, case, caplog):
    class Nothing:
        def adapt(self, network, videos):
            return Adapted(network, [])

    VideoEvaluator("cpu", [case], Copy(), inferer=PropagationInferer(32), adaptation=Nothing(), scope=scope).run()
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [sentence.partition(",")[0] for sentence in told] == ["An object is 4 px wide in 32 x 32 px"]


@pytest.mark.parametrize("scope", ["sliding", "stream"])
def test_what_adapts_along_a_video_does_not_ask_for_absence(case, scope):
    with pytest.raises(UsageError, match=f"absence is true, but scope is '{scope}'"):
        VideoEvaluator(
            "cpu",
            [case],
            Copy(),
            inferer=PropagationInferer(None, absence=True),
            adaptation=preset_trainer("anchored"),
            scope=scope,
        )


def test_videos_that_are_adapted_to_together_are_not_shared(case, monkeypatch):
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    with pytest.raises(UsageError, match="scope is 'dataset', which adapts to all videos together, but 2 processes"):
        evaluator([case], adaptation=relearner("relearning"), scope="dataset")


def test_a_process_without_videos_hears_of_the_end():
    engine, heard = evaluator([]), []
    engine.add_event_handler(VideoEvents.ALL_COMPLETED, lambda: heard.append("end"))
    engine.run()
    assert heard == ["end"]


def test_unknown_scope_and_device_name_the_choices(case):
    with pytest.raises(UsageError, match="scope is 'film', expected 'video', 'dataset', 'sliding' or 'stream'"):
        evaluator([case], scope="film")
    with pytest.raises(UsageError, match="device is 'cuda:7', which this machine"):
        select_device("cuda:7")
    with pytest.raises(UsageError, match="device is 'gpu'"):
        select_device("gpu")
    assert select_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


class Slip(Copy):
    """Lets masks slip by one pixel per frame."""

    def step(self, frame, state):
        return state.roll(1, dims=-1), state.roll(1, dims=-1)


def test_a_video_with_several_annotated_frames_is_segmented_from_all_of_them(tmp_path):
    phantom = Phantom(length=7, size=(32, 32))
    save_phantom(phantom, tmp_path)
    masks = [str(tmp_path / f"masks/0000{frame}.png") for frame in (0, 6)]
    case = VideoCase(str(tmp_path / "video.mp4"), masks[0], 0, "phantom", further=((6, masks[1]),))
    engine = VideoEvaluator("cpu", [case], Slip(), inferer=PropagationInferer(None))
    frames = []
    engine.add_event_handler(VideoEvents.FRAME_COMPLETED, lambda engine: frames.append(engine.state.output))
    engine.run()
    assert [frame.index for frame in frames] == list(range(7))
    for frame in (0, 6):
        assert (frames[frame].label_map == phantom.label_map(frame)).all()
    assert (frames[5].label_map == np.roll(phantom.label_map(6), 1, axis=1)).all()  # the nearer of the two
    assert frames[3].prob.shape == (1, 32, 32)


def test_what_adapts_along_a_video_takes_one_annotated_frame(case):
    several = replace(case, further=((2, case.ref_mask),))
    engine = VideoEvaluator(
        "cpu",
        [several],
        Copy(),
        inferer=PropagationInferer(None),
        adaptation=preset_trainer("anchored"),
        scope="sliding",
    )
    with pytest.raises(UsageError, match="scope is 'sliding', which takes one annotated frame, but phantom has 2"):
        engine.run()


def threads_of_the_engine():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("ahead", "read-ahead"))]


@pytest.mark.parametrize("error", [KeyboardInterrupt, UsageError])
def test_who_stops_a_video_in_the_middle_leaves_no_thread_and_nothing_half(case, tmp_path, error):
    """Ctrl-C, or a disk that is full, while a thread computes the next frames and another one decodes."""
    engine = evaluator([case], handlers=[SaveVideoResults(tmp_path / "out"), SummarizeVideos(tmp_path / "out")])

    def stop(engine):
        if engine.state.output.index == 1:
            raise error("the disk is full.")

    engine.add_event_handler(VideoEvents.FRAME_COMPLETED, stop)
    with pytest.raises(error, match="the disk is full"):
        engine.run()
    assert threads_of_the_engine() == []
    assert list((tmp_path / "out").iterdir()) == []


def test_an_error_of_the_thread_that_segments_is_that_of_the_run(case, tmp_path, monkeypatch):
    engine = evaluator([case], handlers=[SaveVideoResults(tmp_path / "out"), SummarizeVideos(tmp_path / "out")])

    def fail(video, index):
        if index == 2:
            raise UsageError("the drive was pulled out.")
        return original(video, index)

    original = Movie.read
    monkeypatch.setattr(Movie, "read", fail)
    with pytest.raises(UsageError, match="the drive was pulled out"):
        engine.run()
    assert threads_of_the_engine() == []
    assert list((tmp_path / "out").iterdir()) == []


def test_frames_are_decoded_segmented_and_written_by_three_threads(case, monkeypatch):
    seen = {}

    def note(what, function):
        def call(*args, **options):
            seen.setdefault(what, set()).add(threading.current_thread().name.split("_")[0])
            return function(*args, **options)

        return call

    monkeypatch.setattr(Movie, "read", note("decode", Movie.read))
    engine = evaluator([case])
    monkeypatch.setattr(engine.network, "step", note("segment", engine.network.step))
    engine.add_event_handler(VideoEvents.FRAME_COMPLETED, note("write", lambda engine: None))
    engine.run()
    assert seen == {"decode": {"read-ahead"}, "segment": {"ahead"}, "write": {threading.main_thread().name}}
