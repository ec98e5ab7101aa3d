# SPDX-License-Identifier: Apache-2.0
"""The one-shot image network with a memory: what test-time training adapts to a video (TTT paper 3.3).

Axes: `B` videos, `T` frames, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` features.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from monai_i2v.memory import MemoryBank, MemoryPolicy, MemoryState
from monai_i2v.memory.similarity import Measure
from monai_i2v.networks.one_shot_net import OneShotNet, Support
from monai_i2v.networks.segmentation_head import SegmentationHead
from monai_i2v.propagation import segment_clip

__all__ = ["HeadInit", "OneShotMemoryNet", "OneShotMemoryState", "widen_head"]

HeadInit: TypeAlias = Literal["identity", "blend", "random"]

# TTT paper 4.2.
PAPERS_POLICY = MemoryPolicy(mem_every=4, max_mem_frames=10, top_fraction=0.2)


@dataclass(kw_only=True)
class OneShotMemoryState(MemoryState):
    """What a video has accumulated."""

    supports: tuple[Support, ...]  # of the annotated frames


class OneShotMemoryNet(nn.Module):
    """A copy of an image network whose head also sees what the frame's cells read from a memory of the video.

    Keys are encoder features of the frame, shared by all objects; values are the enhanced features of each object.

    Args:
        image_net: the trained image network; it is copied and stays as it is.
        head_init: how the widened head starts: ``"blend"``, as the image network's head on a mix of the frame's own
            features and the read-out; ``"identity"``, ignoring the read-out; ``"random"``, untrained as in the paper.
        blend: share of the read-out in the mix.
        policy: what is remembered, and what is read of it; the default is the paper's.
        measure: similarity of keys; the paper takes ``"l2"``.
        key: ``"encoder"``, the encoder's last stage as it is (the paper), or ``"matching"``, the image network's
            learned matching key.

    No gradient flows into the memory.

    Raises:
        ValueError: When `key` is ``"matching"`` and the image network has no such key.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder, OneShotMemoryNet, OneShotNet
        >>> image_net = OneShotNet(MobileNetV2Encoder(output_stride=8), width=32).eval()
        >>> net = OneShotMemoryNet(image_net).eval()
        >>> masks = torch.zeros(1, 2, 64, 64)
        >>> masks[:, :, 16:48, 16:48] = 0.5
        >>> net(torch.rand(1, 3, 3, 64, 64), masks).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self,
        image_net: OneShotNet,
        *,
        head_init: HeadInit = "blend",
        blend: float = 0.25,
        policy: MemoryPolicy = PAPERS_POLICY,
        measure: Measure = "l2",
        key: Literal["encoder", "matching"] = "encoder",
    ) -> None:
        super().__init__()
        if key == "matching" and image_net.prior.key is None:
            raise ValueError("key is 'matching', but the image network's prior has no key; use key='encoder'.")
        self.net = copy.deepcopy(image_net)
        self.net.head = widen_head(image_net.head, head_init, blend)
        self.train(image_net.training)
        self.policy, self.measure, self.key = policy, measure, key

    def forward(self, clip: Tensor, masks: Tensor | None = None) -> Tensor:
        """Segment a clip (B, T, C, H, W) by its first frame's masks (B, K, H, W); see `segment_clip`."""
        return segment_clip(self, clip, masks)

    def new_bank(self) -> MemoryBank:
        """An empty memory with this network's settings."""
        return self.policy.new_bank(self.measure)

    def encode_key(self, features: dict[int, Tensor]) -> Tensor:
        """Keys (B, D, h, w) of frames, from their encoder features."""
        if self.key == "matching" and self.net.prior.key is not None:
            return self.net.prior.key(features)
        return features[max(features)]

    def decode(self, embedded: Tensor, readout: Tensor) -> Tensor:
        """Logits (B * K, 2, h, w) from enhanced features (B * K, F, h, w) and read-out (B, K, F, h, w)."""
        return self.net.head(torch.cat([embedded, readout.flatten(0, 1)], dim=1))

    def start(self, frame: Tensor, masks: Tensor) -> OneShotMemoryState:
        """See `VideoSegmenter.start`."""
        annotated = self.net.encode_annotated(frame, masks)
        return self.start_from(annotated.whole, self.net.project_support(annotated), masks.shape[-2:])

    def start_from(self, features: dict[int, Tensor], support: Support, size: torch.Size) -> OneShotMemoryState:
        """`start` with the reference's encoder features and the frames' size (H, W) at hand."""
        state = OneShotMemoryState(bank=self.new_bank(), policy=self.policy, size=size, supports=(support,))
        self._write(features, self.net.embed(features, support), state)
        return state

    def encode_frame(self, frame: Tensor) -> dict[int, Tensor]:
        """Encoder features of frames (B, C, H, W), by stage; they do not depend on any object."""
        return self.net.encode_frame(frame)

    def step(self, frame: Tensor, state: OneShotMemoryState) -> tuple[Tensor, OneShotMemoryState]:
        """See `VideoSegmenter.step`."""
        return self.step_from(self.encode_frame(frame), state)

    def step_from(
        self, features: dict[int, Tensor], state: OneShotMemoryState, *, remember: bool | None = None
    ) -> tuple[Tensor, OneShotMemoryState]:
        """See `MemoryNet.step_from`."""
        embedded = self.net.embed(features, *state.supports)
        key = self.encode_key(features)
        logits = self.net.upsample(self.decode(embedded, state.bank.read(key)), state.size)
        present = torch.stack([one.present for one in state.supports]).any(dim=0)
        prob = self.net.to_probabilities(logits, present)
        state.frames += 1
        state.remembered = state.decide(key, prob) if remember is None else remember
        if state.remembered:
            self._write(features, embedded, state)
        return prob, state

    def add_support(self, frame: Tensor, masks: Tensor, state: OneShotMemoryState) -> OneShotMemoryState:
        """See `MemoryNet.add_support`."""
        annotated = self.net.encode_annotated(frame, masks)
        support = self.net.project_support(annotated)
        state.supports = (*state.supports, support)
        embedded = self.net.embed(annotated.whole, support)
        state.bank.keep(self.encode_key(annotated.whole).detach(), self._values(embedded, state))
        return state

    def remember(self, features: dict[int, Tensor], masks: Tensor, state: OneShotMemoryState) -> None:
        """See `MemoryNet.remember`. This memory holds what the frame looks like, not its masks."""
        self._write(features, self.net.embed(features, *state.supports), state)

    def _write(self, features: dict[int, Tensor], embedded: Tensor, state: OneShotMemoryState) -> None:
        state.bank.write(self.encode_key(features).detach(), self._values(embedded, state))

    def _values(self, embedded: Tensor, state: OneShotMemoryState) -> Tensor:
        """(B * K, F, h, w) to (B, K, F, h, w)."""
        return embedded.detach().unflatten(0, (-1, state.supports[0].objects))


def widen_head(head: SegmentationHead, init: HeadInit, blend: float = 0.25) -> SegmentationHead:
    """A head for features and read-out side by side, made from a head for features alone.

    Args:
        head: the image network's head, for `F` channels.
        init: see `OneShotMemoryNet`.
        blend: share of the read-out, for ``"blend"``.

    Returns:
        A head for 2 `F` channels, beside the given one and of its type; the last convolution is copied in all cases.

    Raises:
        ValueError: When `init` is none of the three.
    """
    width, channels = head.conv.weight.shape[:2]
    wide = SegmentationHead(2 * channels, width, dropout=head.dropout.p)
    if init == "random":  # drawn on the CPU, so that a seed gives the same on every device
        nn.init.kaiming_normal_(wide.conv.weight)
    wide = wide.to(head.conv.weight)
    wide.classify.load_state_dict(head.classify.state_dict())
    if init == "random":
        return wide
    if init not in ("identity", "blend"):
        raise ValueError(f"head_init must be one of 'identity', 'blend', 'random', got {init!r}; use 'blend'.")
    share = blend if init == "blend" else 0.0
    weight = head.conv.weight.detach()
    with torch.no_grad():
        wide.conv.weight.copy_(torch.cat([(1 - share) * weight, share * weight], dim=1))
        wide.conv.bias.copy_(head.conv.bias)  # type: ignore[arg-type, union-attr]
    return wide
