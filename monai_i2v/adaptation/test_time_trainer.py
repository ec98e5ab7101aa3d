# SPDX-License-Identifier: Apache-2.0
"""Test-time training: a copy of the image network, given a memory, is adapted to the video at hand (TTT paper 3.3)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.schedule import Schedule
from monai_i2v.adaptation.student import Student
from monai_i2v.adaptation.terms import Term
from monai_i2v.adaptation.weight_average import move_back
from monai_i2v.adaptation.windows import Window, cut_windows, make_windows
from monai_i2v.networks import OneShotMemoryNet, OneShotNet
from monai_i2v.propagation import follow
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["Adapted", "TestTimeTrainer"]

# Frames of a stream to learn from: more, and what is learned is no longer about the present.
RECENT = 32
DEFAULT_SCHEDULE = Schedule()
DEFAULT_OPTIMIZER = partial(SGD, lr=1e-4, momentum=0.9)
DEFAULT_GUARD = Guard()


class Adapted(NamedTuple):
    """What adaptation gives back."""

    network: Any  # a `VideoSegmenter`
    log: list[dict[str, float]]


class TestTimeTrainer:
    """Adapt a copy of an image network to videos without labels, but for the mask of one frame.

    The student is a `OneShotMemoryNet` made from the image network, its teacher. The encoder stays frozen, so its
    features and the teacher's answers are computed once per frame. Fusion, feature enhancement and head are trained
    on windows of consecutive frames, in several passes over the video.

    The network that is given stays as it is, to the last bit. Under a seed the result is the same on repeat on a CPU,
    and on a GPU only with deterministic algorithms (`docs/cuda.md`).

    Args:
        terms: loss terms; their weighted sum is minimized.
        memory: arguments of `OneShotMemoryNet`.
        schedule: how long it learns and from which frames; no passes give the image network with a memory, untrained.
        optimizer: makes the optimizer from the parameters; the default is the paper's SGD, with ten times its
            learning rate.
        share: how much of the way from the given to the adapted weights the result goes, see `move_back`; in the
            online mode all of it.
        guard: takes back what harms the reference frame, None to let it happen.
        seed: start of the random stream.
        progress: show a progress bar.
    """

    __test__ = False  # the name is the paper's, not a test's

    def __init__(
        self,
        terms: Sequence[Term] = (),
        *,
        memory: Mapping[str, Any] | None = None,
        schedule: Schedule = DEFAULT_SCHEDULE,
        optimizer: Callable[..., Optimizer] = DEFAULT_OPTIMIZER,
        share: float = 1.0,
        guard: Guard | None = DEFAULT_GUARD,
        seed: int = 0,
        progress: bool = False,
    ) -> None:
        self.terms, self.memory = tuple(terms), dict(memory or {})
        self.schedule, self.optimizer = schedule, optimizer
        self.share, self.guard, self.seed, self.progress = share, guard, seed, progress

    def adapt(self, network: OneShotNet, videos: AnnotatedVideo | Sequence[AnnotatedVideo]) -> Adapted:
        """Adapt to one video, or to all videos of a data set together (transductive: report it as such).

        Args:
            network: the trained image network.
            videos: one video, or several.

        Returns:
            The adapted network, and per step ``{"video", "loss", <term> ..., "ref_dice", "agreement", "area",
            "teacher_area"}``, measured before the step's update: number of the video, losses, Dice of the reference
            frame, share of pixels on which student and teacher agree, shares of foreground in their masks.
        """
        videos = [videos] if isinstance(videos, AnnotatedVideo) else list(videos)
        if not self.trains:
            return Adapted(self.make_student(network), [])
        windows = [self._windows(video, number) for number, video in enumerate(videos)]
        student = self._student(network, videos)
        self._run(student, windows)
        if self.share < 1:
            move_back(student.network, self.make_student(network), self.share)
        return Adapted(student.network.requires_grad_(False), student.log)

    def adapt_sliding(self, network: OneShotNet, video: AnnotatedVideo) -> Iterator[tuple[int, Tensor]]:
        """Adapt on a window, segment it, move on (the paper's online mode); no window is seen again.

        Args:
            network: the trained image network.
            video: the video.

        Yields:
            Frame index and probabilities (1, K, H, W): the frames before the reference, going back, then the
            reference with its masks, then the frames after it.
        """
        return self._along(network, video, self._slide)

    def adapt_stream(self, network: OneShotNet, video: AnnotatedVideo) -> Iterator[tuple[int, Tensor]]:
        """Adapt while frames come in: one step per frame, on a window out of the last ones, before it is segmented.

        The weights are carried from frame to frame, as in "Test-time training on video streams" (Wang et al., JMLR
        2025); nothing is known of the frames to come.

        Args:
            network: the trained image network.
            video: the video.

        Yields:
            As `adapt_sliding`.
        """
        return self._along(network, video, self._follow)

    def _along(
        self,
        network: OneShotNet,
        video: AnnotatedVideo,
        go: Callable[[Student, Sequence[int]], Iterator[tuple[int, Tensor]]],
    ) -> Iterator[tuple[int, Tensor]]:
        student = self._student(network, [video])
        backward, forward = video.directions()
        yield from go(student, backward[1:])
        yield video.ref_frame, student.records[0].masks
        yield from go(student, forward[1:])

    @torch.no_grad()
    def _follow(self, student: Student, indices: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        state = student.start(0)
        student.bank = state.bank
        found = follow(student.network, self._learn_before_each(student, indices), state)
        yield from zip(indices, (prob for prob, _ in found), strict=True)

    def _learn_before_each(self, student: Student, indices: Sequence[int]) -> Iterator[Tensor]:
        """Frames, each of which is learned from, together with some before it, before it is given."""
        records = student.records[0]
        for place, index in enumerate(indices):
            if self.trains:
                last = indices[max(0, place + 1 - RECENT) : place + 1]
                begin = student.random.randint(max(1, len(last) - self.schedule.window + 1))
                chosen = tuple(last[begin : begin + self.schedule.window])
                student.learn(Window(0, chosen, first=False), remember=False)
                if (place + 1) % self.schedule.window == 0:
                    student.check()
            yield records.frame(index)
            if place >= RECENT:
                records.forget(indices[place - RECENT])

    @torch.no_grad()
    def _slide(self, student: Student, indices: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        state = None
        for window in cut_windows(indices, self.schedule.window):
            for left in reversed(range(self.schedule.passes if self.trains else 0)):
                student.learn(window, remember=left == 0)
            student.check()
            state = student.start(0) if state is None else state
            frames = map(student.records[0].frame, window.frames)
            for index, found in zip(window.frames, follow(student.network, frames, state), strict=True):
                prob, state = found
                yield index, prob

    @property
    def trains(self) -> bool:
        """Whether there is anything to learn."""
        return self.schedule.passes > 0 and len(self.terms) > 0

    def make_student(self, network: OneShotNet) -> OneShotMemoryNet:
        """What learns: a copy of the image network with a memory."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)  # for a random head
            return OneShotMemoryNet(network, **self.memory).eval().requires_grad_(False)

    def _student(self, network: OneShotNet, videos: Sequence[AnnotatedVideo]) -> Student:
        teacher = copy.deepcopy(network).eval().requires_grad_(False)
        return Student(
            self.make_student(network), teacher, videos, self.terms, self.optimizer, guard=self.guard, seed=self.seed
        )

    def _windows(self, video: AnnotatedVideo, number: int) -> list[Window]:
        return make_windows(video, self.schedule.window, number=number, max_frames=self.schedule.max_frames)

    def _run(self, student: Student, windows: Sequence[Sequence[Window]]) -> None:
        """Passes over all videos; the order of the videos is drawn anew for each pass."""
        steps = sum(map(len, windows))
        order = torch.Generator().manual_seed(self.seed)

        def stream() -> Iterator[Window]:
            while True:
                for number in torch.randperm(len(windows), generator=order).tolist():
                    yield from windows[number]

        total = self.schedule.passes_over(steps) * steps
        limit = self.schedule.max_seconds
        student.run(
            stream(),
            total,
            check_every=steps,
            max_seconds=limit,
            progress=self.progress,
            anneal=self.schedule.anneal,
        )
