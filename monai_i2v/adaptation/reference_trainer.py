# SPDX-License-Identifier: Apache-2.0
"""Test-time training of memory networks: learn the reference frame, and keep what is known of the others.

Axes: `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam

from monai_i2v.adaptation.annotated_dice import annotated_dice
from monai_i2v.adaptation.frame_features import FrameFeatures
from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.learner import Learner, numbers
from monai_i2v.adaptation.reference_views import make_views
from monai_i2v.adaptation.schedule import ReferenceSchedule
from monai_i2v.adaptation.test_time_trainer import Adapted
from monai_i2v.adaptation.weight_average import move_back
from monai_i2v.losses import BootstrappedCrossEntropy, ClipSegmentationLoss, soft_mask_loss
from monai_i2v.memory import MemoryBank, MemoryPolicy
from monai_i2v.networks import ClipPrediction, TemporalContrastiveMemoryNet, TemporalMemoryState
from monai_i2v.propagation import follow
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["ReferenceTrainer"]

# Steps between two looks of the guard.
GUARD_INTERVAL = 5
DEFAULT_SCHEDULE = ReferenceSchedule()
DEFAULT_GUARD = Guard()


class ReferenceTrainer:
    """Adapt a copy of a memory network to videos without labels, but for the mask of one frame.

    Each step follows the reference frame through changed copies of it, whose masks are true. It also carries its masks
    to another frame, where they are to be those that the given network finds when it follows the video: what one frame
    teaches is not to undo what the network knew.

    Encoder and keys stay frozen: a frame's features are computed once, and the memory's gate was measured with these
    keys. The network that is given stays as it is, to the last bit; under a seed the result is the same on repeat.

    Args:
        schedule: how long it learns and from which frames.
        learning_rate: of Adam.
        view_weight: weight of the changed copies.
        keep_weight: weight of the given network's masks.
        share: how much of the way from the given to the adapted weights the result goes, see `move_back`.
        guard: takes back what harms the reference frame, None to let it happen.
        seed: start of the random stream.
        progress: show a progress bar.
    """

    def __init__(
        self,
        *,
        schedule: ReferenceSchedule = DEFAULT_SCHEDULE,
        learning_rate: float = 1e-4,
        view_weight: float = 1.0,
        keep_weight: float = 1.0,
        share: float = 1.0,
        guard: Guard | None = DEFAULT_GUARD,
        seed: int = 0,
        progress: bool = False,
    ) -> None:
        self.schedule, self.learning_rate = schedule, learning_rate
        self.view_weight, self.keep_weight, self.share = view_weight, keep_weight, share
        self.guard, self.seed, self.progress = guard, seed, progress

    def adapt(
        self, network: TemporalContrastiveMemoryNet, videos: AnnotatedVideo | Sequence[AnnotatedVideo]
    ) -> Adapted:
        """Adapt to one video, or to all videos of a data set together (transductive: report it as such).

        Args:
            network: the trained memory network.
            videos: one video, or several.

        Returns:
            The adapted network, and per step ``{"video", "loss", "view", "keep", "ref_dice", "area",
            "teacher_area"}``, measured before the step's update: number of the video, losses, Dice of the reference
            frame segmented from itself, shares of foreground in another frame as found by the student and by the
            given network.
        """
        videos = [videos] if isinstance(videos, AnnotatedVideo) else list(videos)
        student = copy.deepcopy(network).eval().requires_grad_(False)
        if self.schedule.steps == 0:
            return Adapted(student, [])
        begin = time.monotonic()
        pupil = _Pupil(student, videos, self)
        order = [video for _ in range(self.schedule.steps) for video in range(len(videos))]
        limit = self.schedule.max_seconds
        if limit is not None:  # what the given network was asked for has taken its part
            limit = max(1, limit - round(time.monotonic() - begin))
        pupil.run(
            order,
            len(order),
            check_every=GUARD_INTERVAL,
            max_seconds=limit,
            progress=self.progress,
            anneal=self.schedule.anneal,
        )
        move_back(student, network, self.share)
        return Adapted(student.eval().requires_grad_(False), pupil.log)


@dataclass(frozen=True)
class _AllButTheLast(MemoryPolicy):
    """Nobody reads what the last frame would write."""

    last: int = 0

    def decide(self, key: Tensor, prob: Tensor, bank: MemoryBank, frame: int) -> bool:
        return frame < self.last


class _FromFeatures:
    """The network, whose frames are what its frozen encoder made of them."""

    def __init__(self, network: TemporalContrastiveMemoryNet) -> None:
        self.network = network

    def step(self, frame: dict[int, Tensor], state: TemporalMemoryState) -> tuple[Tensor, TemporalMemoryState]:
        return self.network.step_from(frame, state)


class _Pupil(Learner):
    """The network that learns, and its steps."""

    def __init__(
        self, network: TemporalContrastiveMemoryNet, videos: Sequence[AnnotatedVideo], settings: ReferenceTrainer
    ) -> None:
        self.network, self.settings = network, settings
        for name, part in network.named_children():
            part.requires_grad_(name not in ("encoder", "project_key"))
        trained = [param for param in network.parameters() if param.requires_grad]
        super().__init__(network, Adam(trained, lr=settings.learning_rate), settings.guard)
        self.features = [FrameFeatures(network.encode_frame, video, settings.schedule.max_frames) for video in videos]
        self.random = np.random.RandomState(settings.seed)
        with torch.no_grad():
            self.views = [self._encode_views(video) for video in videos]
            self.found = [self._follow(features) for features in self.features]
        self.loss = ClipSegmentationLoss(BootstrappedCrossEntropy(top_p=0.3), contrast_weight=0.0, dice_weight=1.0)

    @torch.enable_grad()
    def learn(self, video: int) -> None:
        """Take one step on one video."""
        view, (keep, prob, found) = self._view(video), self._keep(video)
        loss = self.settings.view_weight * view + self.settings.keep_weight * keep
        ref_dice = self.reference_dice(video)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        measured: dict[str, Tensor | float] = {
            "loss": loss,
            "view": view,
            "keep": keep,
            "ref_dice": ref_dice,
            "area": prob.round().mean(),
            "teacher_area": found.round().mean(),
        }
        self.log.append({"video": video, **numbers(measured)})

    @torch.no_grad()
    def reference_dice(self, video: int) -> float:
        features = self.features[video]
        prob = self._propagate([features.reference, features.reference], features.masks)
        return annotated_dice(prob, features.masks)

    def _view(self, video: int) -> Tensor:
        """Loss of a changed copy of the reference, segmented from another by way of a third."""
        drawn = [self.views[video][index] for index in self.random.choice(len(self.views[video]), 3)]
        (_, first), *_, (_, last) = drawn
        return self._loss(self._propagate([features for features, _ in drawn], first), last, given=first)

    def _keep(self, video: int) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of a frame's masks against those of the given network, and both (1, K, H, W)."""
        features = self.features[video]
        index = int(self.random.choice(features.frames))
        prob = self._propagate([features.reference, features[index]], features.masks)
        found = self.found[video][index].float()
        return soft_mask_loss(prob, found), prob, found

    def _follow(self, features: FrameFeatures) -> dict[int, Tensor]:
        """Masks (1, K, H, W) of the frames to learn from, as the given network finds them on its way through."""
        video, found = features.video, {features.video.ref_frame: features.masks.half()}
        wanted = set(features.frames.tolist()) - {video.ref_frame}
        for direction in video.directions():
            last = max((place for place, index in enumerate(direction) if index in wanted), default=0)
            if not last:
                continue
            indices = direction[1 : last + 1]
            frames = (features[index] if index in wanted else features.look(index) for index in indices)
            state = self.network.start(video.frames[video.ref_frame].to(video.masks), video.masks)
            for index, (prob, _) in zip(indices, follow(_FromFeatures(self.network), frames, state), strict=True):
                if index in wanted:
                    found[index] = prob.half()
        return found

    def _propagate(self, features: Sequence[dict[int, Tensor]], masks: Tensor) -> Tensor:
        """Masks (1, K, H, W) of the last frame, carried over all frames before it."""
        first, *others = features
        state = self.network.start_from(first, masks)
        state.policy = _AllButTheLast(last=len(others))
        *_, (prob, _) = follow(_FromFeatures(self.network), others, state)
        return prob

    def _loss(self, prob: Tensor, masks: Tensor, *, given: Tensor) -> Tensor:
        """Loss of masks (1, K, H, W), of the objects that were given to begin with."""
        first = given.round()
        both = ClipPrediction(torch.stack([first, prob], dim=1), prob.new_empty(0))
        loss: Tensor = self.loss(both, torch.stack([first, masks.round()], dim=1))
        return loss

    def _encode_views(self, video: AnnotatedVideo) -> list[tuple[dict[int, Tensor], Tensor]]:
        views = make_views(video.frames[video.ref_frame].to(video.masks), video.masks, self.settings.seed)
        return [(self.network.encode_frame(view), masks) for view, masks in views]
