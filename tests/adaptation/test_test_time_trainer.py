# SPDX-License-Identifier: Apache-2.0
import copy
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from adapting import annotated, same_weights
from torch.optim import SGD, Adam

from monai_i2v.adaptation import (
    PRESETS,
    FeatureAlignment,
    FirstFrame,
    MaskCycle,
    PredictionAlignment,
    Schedule,
    TestTimeTrainer,
    preset_trainer,
    relearner,
    test_time_trainer,
)
from monai_i2v.adaptation.frame_records import FrameRecords
from monai_i2v.adaptation.windows import make_windows
from monai_i2v.errors import UsageError
from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import OneShotMemoryNet
from monai_i2v.propagation import propagate
from monai_i2v.tracking import AnnotatedVideo

ALL_TERMS = (PredictionAlignment(), FeatureAlignment(), FirstFrame(), MaskCycle())
MATCHING = {"key": "matching"}


def passes(number, **options):
    return Schedule(passes=number, **options)


def test_the_given_network_is_bit_identical_afterwards(image_net, disc):
    before = copy.deepcopy(image_net)
    adapted = TestTimeTrainer(ALL_TERMS, schedule=passes(1), memory=MATCHING).adapt(image_net, annotated(disc))
    assert same_weights(image_net, before)
    assert [p.requires_grad for p in image_net.parameters()] == [p.requires_grad for p in before.parameters()]
    assert not same_weights(adapted.network.net.enhance, image_net.enhance)
    assert same_weights(adapted.network.net.encoder, image_net.encoder)


def test_same_seed_same_result_and_another_seed_another(image_net, disc):
    def adapt(seed):
        trainer = TestTimeTrainer(ALL_TERMS, schedule=passes(1), memory=MATCHING, seed=seed)
        return trainer.adapt(image_net, annotated(disc)).network

    assert same_weights(adapt(0), adapt(0))
    assert not same_weights(adapt(0), adapt(1))


def test_without_passes_it_is_the_untrained_memory_network(image_net, disc):
    adapted = preset_trainer("memory_only", memory=MATCHING).adapt(image_net, annotated(disc))
    assert adapted.log == []
    assert same_weights(adapted.network, OneShotMemoryNet(image_net, key="matching"))


def test_identity_head_with_soft_targets_learns_nothing(image_net, disc):
    # The teacher is the exact minimizer of both of the paper's losses.
    terms = (PredictionAlignment(target="soft"), FeatureAlignment())
    trainer = TestTimeTrainer(terms, schedule=passes(2), memory={**MATCHING, "head_init": "identity"}, guard=None)
    adapted = trainer.adapt(image_net, annotated(disc))
    start = OneShotMemoryNet(image_net, head_init="identity", key="matching").state_dict()
    change = max((value - start[key]).abs().max() for key, value in adapted.network.state_dict().items())
    assert change < 1e-6


def test_papers_losses_pull_a_random_head_to_the_teacher(image_net, disc):
    trainer = TestTimeTrainer(
        (PredictionAlignment(), FeatureAlignment()),
        schedule=passes(15),
        memory={**MATCHING, "head_init": "random"},
        optimizer=partial(SGD, lr=1e-2, momentum=0.9),
        guard=None,
    )
    log = trainer.adapt(image_net, annotated(disc)).log
    assert sum(step["PredictionAlignment"] for step in log[-4:]) < 0.5 * sum(
        step["PredictionAlignment"] for step in log[:4]
    )


def test_first_frame_and_cycle_terms_teach_the_object(image_net, disc):
    terms = (FirstFrame(), MaskCycle(0.5))
    trainer = TestTimeTrainer(terms, schedule=passes(20), memory=MATCHING, optimizer=partial(Adam, lr=2e-3), guard=None)
    video = annotated(disc)
    adapted = trainer.adapt(image_net, video)
    assert adapted.log[-1]["ref_dice"] > max(0.8, adapted.log[0]["ref_dice"])
    last = list(propagate(adapted.network, video.frames, video.masks))[-1] > 0.5
    truth = disc[1][-1:] > 0.5
    assert 2 * (last & truth).sum() / (last.sum() + truth.sum()) > 0.7


def test_the_log_tells_every_term_and_the_state_of_the_reference(image_net, disc):
    log = (
        TestTimeTrainer(ALL_TERMS, schedule=passes(2), memory=MATCHING, guard=None)
        .adapt(image_net, annotated(disc))
        .log
    )
    assert len(log) == 4  # 5 frames after the reference in windows of 4, twice
    assert set(log[0]) == {
        "video",
        "loss",
        "PredictionAlignment",
        "FeatureAlignment",
        "FirstFrame",
        "MaskCycle",
        "ref_dice",
        "agreement",
        "area",
        "teacher_area",
    }
    assert log[0]["loss"] == pytest.approx(
        sum(log[0][name] for name in ("PredictionAlignment", "FeatureAlignment", "FirstFrame", "MaskCycle")),
        rel=1e-5,
    )


@pytest.mark.parametrize("along", ["adapt_sliding", "adapt_stream"])
@pytest.mark.parametrize("ref_frame", [0, 2, 5])
def test_adapting_along_a_video_segments_every_frame_once(image_net, disc, ref_frame, along):
    trainer = TestTimeTrainer((FirstFrame(),), schedule=passes(2, window=2), memory=MATCHING, guard=None)
    video = annotated(disc, ref_frame, objects=2)
    predictions = dict(getattr(trainer, along)(image_net, video))
    assert sorted(predictions) == list(range(6))
    assert torch.equal(predictions[ref_frame], video.masks)
    assert all(prob.shape == (1, 2, 64, 80) for prob in predictions.values())


def test_a_stream_does_not_know_the_future(image_net, disc):
    frames, masks = disc
    trainer = TestTimeTrainer(ALL_TERMS, schedule=passes(1, window=2), memory=MATCHING)
    changed = frames.clone()
    changed[4:] = 0
    one, other = (
        dict(trainer.adapt_stream(image_net, annotated((clip, masks), objects=2))) for clip in (frames, changed)
    )
    assert all(one[index].equal(other[index]) for index in range(4))
    assert not one[4].equal(other[4])


def test_a_stream_without_training_is_the_plain_propagation(image_net, disc):
    video = annotated(disc)
    streamed = [prob for _, prob in TestTimeTrainer((), memory=MATCHING).adapt_stream(image_net, video)]
    network = OneShotMemoryNet(image_net, key="matching").eval()
    with torch.no_grad():
        plain = list(propagate(network, video.frames, video.masks))
    assert all(one.equal(other) for one, other in zip(streamed, plain, strict=True))


def test_a_stream_forgets_old_frames(image_net, disc, monkeypatch):
    monkeypatch.setattr(test_time_trainer, "RECENT", 2)
    kept = []
    forget = FrameRecords.forget

    def watch(self, index):
        forget(self, index)
        kept.append(sorted(self.kept))

    monkeypatch.setattr(FrameRecords, "forget", watch)
    trainer = TestTimeTrainer((FirstFrame(),), schedule=passes(1, window=2), memory=MATCHING)
    list(trainer.adapt_stream(image_net, annotated(disc)))
    assert kept == [[2, 3], [3, 4], [4, 5]]


def test_a_data_set_gives_one_network_for_all_its_videos(image_net, disc):
    videos = [annotated(disc), annotated(disc, ref_frame=3)]
    log = TestTimeTrainer((FirstFrame(),), schedule=passes(1), memory=MATCHING, guard=None).adapt(image_net, videos).log
    assert len(log) == 2 + 2


def test_what_does_not_learn_is_never_stopped(image_net, disc):
    videos = [annotated(disc), annotated(disc, ref_frame=3, objects=2)]
    trainer = TestTimeTrainer(ALL_TERMS, schedule=passes(2), memory=MATCHING, optimizer=partial(SGD, lr=0.0))
    assert len(trainer.adapt(image_net, videos).log) == 2 * (2 + 2)


def test_short_videos_get_more_passes(image_net, disc):
    trainer = TestTimeTrainer((FirstFrame(),), schedule=passes(1, min_steps=5), memory=MATCHING, guard=None)
    assert len(trainer.adapt(image_net, annotated(disc)).log) == 6  # three passes over two windows


def test_a_harmful_adaptation_is_taken_back(image_net, disc):
    torch.nn.init.constant_(image_net.head.classify.bias[1:], 5)  # all foreground: the reference's Dice is above zero
    trainer = TestTimeTrainer((FirstFrame(),), schedule=passes(3), memory=MATCHING, optimizer=partial(SGD, lr=1e4))
    adapted = trainer.adapt(image_net, annotated(disc))
    assert same_weights(adapted.network, OneShotMemoryNet(image_net, key="matching"))
    assert len(adapted.log) == 2  # stopped after the first pass


def test_annealing_lets_the_rate_rise_and_fall_to_nothing(image_net, disc):
    rates = []

    class Recorded(SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    schedule = passes(1, min_steps=20, window=1, anneal=True)
    trainer = TestTimeTrainer((FirstFrame(),), schedule=schedule, memory=MATCHING, optimizer=partial(Recorded, lr=1e-3))
    trainer.adapt(image_net, annotated(disc))
    highest = rates.index(max(rates))
    assert (len(rates), highest) == (20, 2)
    assert rates[0] == pytest.approx(1e-3 / 25)
    assert max(rates) == pytest.approx(1e-3, rel=0.02)
    assert rates[highest:] == sorted(rates[highest:], reverse=True)
    assert rates[-1] < 1e-5


def test_an_annealed_adaptation_is_judged_at_its_end(image_net, disc):
    torch.nn.init.constant_(image_net.head.classify.bias[1:], 5)
    schedule = passes(4, anneal=True)
    trainer = TestTimeTrainer((FirstFrame(),), schedule=schedule, memory=MATCHING, optimizer=partial(SGD, lr=1e4))
    adapted = trainer.adapt(image_net, annotated(disc))
    assert same_weights(adapted.network, OneShotMemoryNet(image_net, key="matching"))
    assert len(adapted.log) == 8


def test_all_but_the_encoder_learns(image_net, disc):
    schedule = passes(1, anneal=True)
    adapted = TestTimeTrainer(ALL_TERMS, schedule=schedule, memory=MATCHING, guard=None).adapt(
        image_net, annotated(disc)
    )
    parts = dict(adapted.network.net.named_children())
    learned = {name for name, part in parts.items() if not same_weights(part, getattr(image_net, name))}
    assert learned == {"prior", "fusion", "enhance", "head"}


def test_a_budget_in_seconds_ends_it(image_net, disc):
    trainer = TestTimeTrainer((FirstFrame(),), memory=MATCHING, schedule=passes(100000, max_seconds=1), guard=None)
    assert 0 < len(trainer.adapt(image_net, annotated(disc)).log) < 1000


def test_a_video_of_one_frame_and_an_absent_object_work(image_net, disc):
    frames, masks = disc
    video = AnnotatedVideo(frames[:1].split(1), torch.cat([masks[:1], torch.zeros_like(masks[:1])], dim=1))
    adapted = TestTimeTrainer(ALL_TERMS, schedule=passes(1), memory=MATCHING).adapt(image_net, video)
    assert all(value == value for step in adapted.log for value in step.values())  # no NaN


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_run_on_one_window(image_net, disc, name):
    trainer = preset_trainer(name, memory=MATCHING, max_seconds=1)
    video = annotated(disc)
    network = trainer.adapt(image_net, AnnotatedVideo(video.frames[:2], video.masks)).network
    assert network.key == "matching"
    assert (network.net.head.conv.weight.shape[1]) == 64


def test_unknown_preset_names_the_choices():
    with pytest.raises(UsageError, match="preset is 'best', expected one of memory_only, paper, paper_video, anchored"):
        preset_trainer("best")


def test_the_result_may_lie_between_the_given_and_the_adapted_weights(image_net, disc):
    def adapted(share):
        trainer = TestTimeTrainer(ALL_TERMS, schedule=passes(1), memory=MATCHING, share=share)
        return trainer.adapt(image_net, annotated(disc)).network.state_dict()

    whole, part, none = adapted(1.0), adapted(0.25), adapted(0.0)
    for key, before in OneShotMemoryNet(image_net, key="matching").state_dict().items():
        assert torch.equal(none[key], before)
        if before.is_floating_point():
            torch.testing.assert_close(part[key], 0.75 * before + 0.25 * whole[key], rtol=1e-5, atol=1e-7)
    assert any(not torch.equal(part[key], none[key]) for key in part)


def test_what_the_caller_sets_comes_before_the_preset():
    schedule = Schedule(passes=3)
    trainer = preset_trainer("anchored", schedule=schedule, max_seconds=7, guard=None)
    assert trainer.schedule == replace(schedule, max_seconds=7)
    assert trainer.guard is None
    assert preset_trainer("anchored", schedule=schedule).schedule is schedule


def test_the_callers_random_numbers_stay(image_net, disc):
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    TestTimeTrainer(ALL_TERMS, schedule=passes(1), memory={**MATCHING, "head_init": "random"}).adapt(
        image_net, annotated(disc)
    )
    relearner("relearning").adapt(image_net, annotated(disc))
    assert torch.equal(torch.rand(2), expected)


@torch.no_grad()
def test_a_cycle_over_an_object_that_was_lost_teaches_nothing(image_net, disc):
    student = TestTimeTrainer(ALL_TERMS, memory=MATCHING)._student(image_net, [annotated(disc)])
    step = student._see(make_windows(annotated(disc), 2)[0])
    background, found = step.logits.unbind(dim=1)
    assert MaskCycle()(replace(step, logits=torch.stack([background, found + 50], dim=1))) > 0
    assert MaskCycle()(replace(step, logits=torch.stack([background + 50, found], dim=1))) == 0


@pytest.mark.parametrize(("length", "kept"), [(129, 32), (257, 32), (33, 16)])
def test_the_memory_of_windows_that_were_sampled_is_as_old_as_it_would_be(image_net, disc, length, kept, monkeypatch):
    frames, masks = disc
    video = AnnotatedVideo([frames[index % len(frames)][None] for index in range(length)], masks[:1])
    windows = make_windows(video, 2, max_frames=64)
    student = TestTimeTrainer([FirstFrame()], memory=MATCHING)._student(image_net, [video])
    written = []
    monkeypatch.setattr(student.bank, "write", lambda key, value: written.append(1))
    network = SimpleNamespace(policy=MemoryPolicy(mem_every=4), encode_key=lambda features: features)
    monkeypatch.setattr(student, "network", network)
    monkeypatch.setattr(student, "_probabilities", lambda video, step: step.embedded)
    assert len(windows) == kept
    counts = []
    for window in windows:
        values = torch.zeros(len(window.frames), 1)
        student._remember(window, SimpleNamespace(embedded=values, features=values, objects=1))
        counts.append(len(written))
    least = kept // 2 if length == 33 else kept - 1
    assert counts[-1] >= least
    assert counts[kept // 2] >= least // 2  # evenly
