# SPDX-License-Identifier: Apache-2.0
"""Relearning by spatiotemporal consistency: the image network learns from videos without labels (RAB 2.3).

Axes: `B` windows, `K` objects, `T` frames of a window, `F` feature channels, `H W` pixels, `h w` features.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam

from monai_i2v.adaptation.adaptation_step import cat_features
from monai_i2v.adaptation.annotated_dice import annotated_dice
from monai_i2v.adaptation.frame_records import FrameRecords
from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.learner import Learner, numbers
from monai_i2v.adaptation.schedule import Schedule
from monai_i2v.adaptation.test_time_trainer import Adapted
from monai_i2v.adaptation.windows import Window, slide_windows
from monai_i2v.compute import device_of
from monai_i2v.losses import TemporalConsistencyLoss
from monai_i2v.networks import OneShotNet, RelearningNet, Support
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["ConsistencyRelearner", "ConsistencyWeights"]

DEFAULT_SCHEDULE = Schedule(passes=5, window=4)
DEFAULT_GUARD = Guard()
# Windows of one step, all of one video.
BATCH = 2
# Learning rate of the attention, relative to that of the rest.
ATTENTION_SPEED = 10


@dataclass(frozen=True)
class ConsistencyWeights:
    """Weights of the three losses, lambda 1 to 3 in the paper, which does not give them.

    Args:
        temporal: neighboring frames have like features after the attention.
        feature: features before the attention stay those of the image network (mean square; the paper's sum over
            places grows with the resolution).
        prediction: probabilities stay those of the image network (mean square). Without it the other two are smallest
            for masks that never change.
    """

    temporal: float = 0.1
    feature: float = 1.0
    prediction: float = 1.0


DEFAULT_WEIGHTS = ConsistencyWeights()


class ConsistencyRelearner:
    """Make a `RelearningNet` of an image network, and train it on videos without labels.

    The head stays frozen, as in the paper. The encoder does too unless asked for, so its features are computed once
    per frame. The network that is given stays as it is, to the last bit. Under a seed the result is the
    same on repeat on a CPU; on a GPU only with deterministic algorithms (`docs/cuda.md`).

    Args:
        weights: of the losses.
        schedule: how long it learns and from which frames; no passes give the image network.
        learning_rate: of Adam, for what the image network has; the attention, which is new, learns ten times as fast.
        scale: how the attention begins, see `TemporalAttentionUnit`; 1 is the paper's random start.
        train_encoder: train the encoder too (the paper's literal reading): slower, with more memory.
        guard: takes back what harms the reference frame, None to let it happen.
        seed: start of the random stream.
        progress: show a progress bar.
    """

    def __init__(
        self,
        *,
        weights: ConsistencyWeights = DEFAULT_WEIGHTS,
        schedule: Schedule = DEFAULT_SCHEDULE,
        learning_rate: float = 1e-5,
        scale: float = 0.0,
        train_encoder: bool = False,
        guard: Guard | None = DEFAULT_GUARD,
        seed: int = 0,
        progress: bool = False,
    ) -> None:
        self.weights, self.schedule = weights, schedule
        self.learning_rate, self.scale, self.train_encoder = learning_rate, scale, train_encoder
        self.guard, self.seed, self.progress = guard, seed, progress

    def adapt(self, network: OneShotNet, videos: AnnotatedVideo | Sequence[AnnotatedVideo]) -> Adapted:
        """Relearn on one video, or on all videos of a data set together (as the paper does; transductive).

        Args:
            network: the trained image network.
            videos: one video, or several.

        Returns:
            The relearned network, and per step ``{"video", "loss", "temporal", "feature", "prediction", "ref_dice",
            "area", "teacher_area"}``, measured before the step's update: number of the video, losses, Dice of the
            reference frame, shares of foreground in the network's masks and in the image network's.
        """
        videos = [videos] if isinstance(videos, AnnotatedVideo) else list(videos)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)  # for the attention
            student = RelearningNet(network, window=self.schedule.window, scale=self.scale).eval().requires_grad_(False)
        if not self.schedule.passes:
            return Adapted(student, [])
        size, most = self.schedule.window, self.schedule.max_frames
        windows = [slide_windows(video, size, number=number, max_frames=most) for number, video in enumerate(videos)]
        teacher = copy.deepcopy(network).eval().requires_grad_(False)
        relearner = _Relearner(student, teacher, videos, self)
        steps = sum(-(-len(one) // BATCH) for one in windows)
        relearner.run(
            self._batches(windows),
            self.schedule.passes_over(steps) * steps,
            check_every=steps,
            max_seconds=self.schedule.max_seconds,
            progress=self.progress,
        )
        return Adapted(student.requires_grad_(False), relearner.log)

    def _batches(self, windows: Sequence[Sequence[Window]]) -> Iterator[list[Window]]:
        """Passes over all videos; in each, the order of videos and windows is drawn anew."""
        generator = torch.Generator().manual_seed(self.seed)

        def shuffled(count: int) -> list[int]:
            return torch.randperm(count, generator=generator).tolist()

        while True:
            batches = []
            for one in windows:
                order = [one[index] for index in shuffled(len(one))]
                batches += [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
            yield from (batches[index] for index in shuffled(len(batches)))


class _Relearner(Learner):
    """The network that is relearned, and its steps."""

    def __init__(
        self,
        network: RelearningNet,
        teacher: OneShotNet,
        videos: Sequence[AnnotatedVideo],
        settings: ConsistencyRelearner,
    ) -> None:
        self.network, self.settings = network, settings
        net = network.net
        trained = [net.prior, net.fusion, net.enhance] + [net.encoder] * settings.train_encoder
        groups: list[dict[str, Any]] = [
            {"params": [param for part in trained for param in part.requires_grad_(True).parameters()]},
            {
                "params": list(network.attention.requires_grad_(True).parameters()),
                "lr": ATTENTION_SPEED * settings.learning_rate,
            },
        ]
        super().__init__(network, Adam(groups, lr=settings.learning_rate), settings.guard)
        device = device_of(network)
        with torch.no_grad():
            self.records = [FrameRecords(teacher, video, device) for video in videos]
        self.temporal = TemporalConsistencyLoss()

    @torch.enable_grad()
    def learn(self, windows: Sequence[Window]) -> None:
        """Take one step on windows of one video, all of the same length."""
        records = self.records[windows[0].video]
        frames = [records[index] for window in windows for index in window.frames]
        support = self._support(records)
        embedded = self.network.net.embed(self._features(records, windows), support)  # (B * T * K, F, h, w)
        attended = self.network.attention(self._in_windows(embedded, windows, support))  # (B * K, T, F, h, w)
        logits = self.network.net.head(self._in_frames(attended, windows))
        teacher_logits = torch.cat([frame.teacher_logits for frame in frames])
        losses = {
            "temporal": self.temporal(attended),
            "feature": F.mse_loss(embedded, torch.cat([frame.teacher_features for frame in frames])),
            "prediction": F.mse_loss(logits.softmax(dim=1)[:, 1], teacher_logits.softmax(dim=1)[:, 1]),
        }
        weights = self.settings.weights
        loss = sum(getattr(weights, name) * value for name, value in losses.items())
        assert isinstance(loss, Tensor)
        measured: dict[str, Tensor | float] = {
            "ref_dice": self.reference_dice(windows[0].video),
            "area": logits.detach().argmax(dim=1).float().mean(),
            "teacher_area": teacher_logits.argmax(dim=1).float().mean(),
        }
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.log.append({"video": windows[0].video, **numbers({"loss": loss, **losses, **measured})})

    @torch.no_grad()
    def reference_dice(self, video: int) -> float:
        records, net = self.records[video], self.network.net
        support = self._support(records)
        whole = self._features(records, [Window(video, (records.video.ref_frame,), first=True)])
        attended = self.network.attention(net.embed(whole, support).unsqueeze(1))[:, 0]
        full = net.upsample(net.head(attended), records.masks.shape[-2:])
        prob = net.to_probabilities(full, support.present)
        return annotated_dice(prob, records.masks)

    def _support(self, records: FrameRecords) -> Support:
        annotated = records.annotated
        if self.settings.train_encoder:
            annotated = self.network.net.encode_annotated(records.frame(records.video.ref_frame), records.masks)
        return self.network.net.project_support(annotated)

    def _features(self, records: FrameRecords, windows: Sequence[Window]) -> dict[int, Tensor]:
        """Encoder features (B * T, F, h, w), by stage."""
        indices = [index for window in windows for index in window.frames]
        if self.settings.train_encoder:
            return self.network.net.encode_frame(torch.cat([records.frame(index) for index in indices]))
        return cat_features([records[index].features for index in indices])

    def _in_windows(self, embedded: Tensor, windows: Sequence[Window], support: Support) -> Tensor:
        """(B * T * K, F, h, w) to (B * K, T, F, h, w)."""
        return embedded.unflatten(0, (len(windows), -1, support.objects)).transpose(1, 2).flatten(0, 1)

    def _in_frames(self, attended: Tensor, windows: Sequence[Window]) -> Tensor:
        """(B * K, T, F, h, w) to (B * T * K, F, h, w)."""
        return attended.unflatten(0, (len(windows), -1)).transpose(1, 2).flatten(0, 2)
