# SPDX-License-Identifier: Apache-2.0
"""The student of test-time training: its steps, its log and its guard.

Axes: `T` frames of the window, `K` objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from monai_i2v.adaptation.adaptation_step import AdaptationStep, ReferenceView, cat_features
from monai_i2v.adaptation.annotated_dice import annotated_dice
from monai_i2v.adaptation.frame_records import FrameRecords
from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.learner import Learner, numbers
from monai_i2v.adaptation.reference_views import make_views
from monai_i2v.adaptation.terms import Term
from monai_i2v.adaptation.windows import Window
from monai_i2v.compute import device_of
from monai_i2v.networks import OneShotMemoryNet, OneShotNet
from monai_i2v.networks.one_shot_memory_net import OneShotMemoryState
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["Student"]


class Student(Learner):
    """A network that learns from windows of videos.

    Args:
        network: what learns; its encoder is frozen.
        teacher: the image network it was made from.
        videos: the videos.
        terms: loss terms.
        optimizer: makes the optimizer from the parameters.
        guard: takes back what harms the reference frame.
        seed: start of the random stream.
    """

    def __init__(
        self,
        network: OneShotMemoryNet,
        teacher: OneShotNet,
        videos: Sequence[AnnotatedVideo],
        terms: Sequence[Term],
        optimizer: Callable[..., Optimizer],
        *,
        guard: Guard | None = None,
        seed: int = 0,
    ) -> None:
        self.network, self.terms = network.requires_grad_(False), terms
        trained = [part for name, part in network.net.named_children() if name != "encoder"]
        parameters = [param for part in trained for param in part.requires_grad_(True).parameters()]
        super().__init__(network, optimizer(parameters), guard)
        device = device_of(network)
        with torch.no_grad():
            self.records = [FrameRecords(teacher, video, device) for video in videos]
        self.views = [self._encode_views(records, seed) for records in self.records]
        self.generator = torch.Generator().manual_seed(seed)
        self.random = np.random.RandomState(seed)
        self.bank = self.start(0).bank
        self.written = self.records[0].video.ref_frame  # the last frame that the memory has

    @torch.no_grad()
    def start(self, video: int) -> OneShotMemoryState:
        """State of the student at the reference frame of a video."""
        annotated = self.records[video].annotated
        return self.network.start_from(
            annotated.whole, self.network.net.project_support(annotated), self.records[video].masks.shape[-2:]
        )

    @torch.enable_grad()
    def learn(self, window: Window, *, remember: bool = True) -> None:
        """Take one step on one window, and write its frames to the memory."""
        if window.first:
            self.bank = self.start(window.video).bank
            self.written = self.records[window.video].video.ref_frame
        step = self._see(window)
        measured: dict[str, Tensor | float] = {"ref_dice": self.reference_dice(window.video), **self._measure(step)}
        losses = [term(step) for term in self.terms]
        loss = torch.stack([term.weight * value for term, value in zip(self.terms, losses, strict=True)]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:  # a bootstrapped loss without hard pixels has no gradient
            loss.backward()
            self.optimizer.step()
        if remember:
            self._remember(window, step)
        by_term = {type(term).__name__: value for term, value in zip(self.terms, losses, strict=True)}
        self.log.append({"video": window.video, **numbers({"loss": loss, **by_term, **measured})})

    @torch.no_grad()
    def reference_dice(self, video: int) -> float:
        records, net = self.records[video], self.network.net
        whole = records.annotated.whole
        support = net.project_support(records.annotated)
        embedded, key = net.embed(whole, support), self.network.encode_key(whole)
        bank = self.network.new_bank()
        bank.write(key, embedded.unflatten(0, (1, -1)))
        full = net.upsample(self.network.decode(embedded, bank.read(key)), records.masks.shape[-2:])
        prob = net.to_probabilities(full, support.present)
        return annotated_dice(prob, records.masks)

    def _see(self, window: Window) -> AdaptationStep:
        records = self.records[window.video]
        frames = [records[index] for index in window.frames]
        features = cat_features([frame.features for frame in frames])
        support = self.network.net.project_support(records.annotated)
        embedded = self.network.net.embed(features, support)
        with torch.no_grad():
            readout = self.bank.read(self.network.encode_key(features))
        views = self.views[window.video]
        return AdaptationStep(
            student=self.network,
            support=support,
            bank=self.bank,
            frame=lambda place: records.frame(window.frames[place]),
            features=features,
            embedded=embedded,
            logits=self.network.decode(embedded, readout),
            teacher_features=torch.cat([frame.teacher_features for frame in frames]),
            teacher_logits=torch.cat([frame.teacher_logits for frame in frames]),
            view=views[int(torch.randint(len(views), (), generator=self.generator))],
            random=self.random,
        )

    def _remember(self, window: Window, step: AdaptationStep) -> None:
        """Write the frames that the policy wants, with the features from before the step (no second forward pass)."""
        reference, policy = self.records[window.video].video.ref_frame, self.network.policy
        values = step.embedded.detach().unflatten(0, (len(window.frames), step.objects))
        keys, probs = self.network.encode_key(step.features).detach(), self._probabilities(window.video, step)
        missed = abs(window.frames[-1] - self.written) >= policy.mem_every  # some frames lie between the windows
        for index, key, prob, value in zip(window.frames, keys.split(1), probs.split(1), values.split(1), strict=True):
            wanted = policy.decide(key, prob, self.bank, abs(index - reference))
            if wanted or (missed and index == window.frames[-1]):
                self.bank.write(key, value)
                self.written, missed = index, False

    @torch.no_grad()
    def _probabilities(self, video: int, step: AdaptationStep) -> Tensor:
        """(T, K, h, w), on the network's grid."""
        return self.network.net.to_probabilities(step.logits, self.records[video].annotated.present)

    @torch.no_grad()
    def _measure(self, step: AdaptationStep) -> dict[str, Tensor]:
        own, teachers = (logits.argmax(dim=1).float() for logits in (step.logits, step.teacher_logits))
        return {
            "agreement": (own == teachers).float().mean(),
            "area": own.mean(),
            "teacher_area": teachers.mean(),
        }

    @torch.no_grad()
    def _encode_views(self, records: FrameRecords, seed: int) -> list[ReferenceView]:
        views = make_views(records.frame(records.video.ref_frame), records.masks, seed)
        return [ReferenceView(self.network.net.encode_frame(view), masks) for view, masks in views]
