# SPDX-License-Identifier: Apache-2.0
"""JOINT in light form: attention and a filter that learns online, side by side (Mao et al., ICCV 2021).

Axes: `B` videos, `K` objects, `E` code channels, `F` feature channels, `M` remembered cells, `R` channels of a patch,
`h w` features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.matching_net import Features, MatchingNet, MatchingState, on_grid
from monai_i2v.networks.vos.filter_learner import fit_filter
from monai_i2v.networks.vos.pyramid_decoder import PyramidDecoder
from monai_i2v.networks.vos.transduction import Transduction

__all__ = ["JOINT", "JointState", "frame_weights"]

SIDE = 3  # of the filter, cells
FIRST_STEPS, STEPS = (5, 20), (2, 3)  # in training and in evaluation: of the reference, of a further frame
NEW_SHARE, REFERENCE_SHARE = 0.1, 0.25
APART_WEIGHT = 1.0


@dataclass(kw_only=True)
class JointState(MatchingState):
    """What a video has accumulated; one entry per remembered frame, the reference first."""

    rows: list[Tensor]  # patches (B, h * w, R)
    codes: list[Tensor]  # for the filter, (B, h * w, K * E)
    weights: list[Tensor]  # of the codes
    cells: list[Tensor]  # features for attention (B, h * w, F)
    labels: list[Tensor]  # codes that attention carries, (B, h * w, K * E)
    shares: list[float]  # how much each frame counts
    filters: Tensor  # (B, R, K * E)
    known: Tensor  # all cells after they have exchanged, (B, M, F)
    apart: list[Tensor] = field(default_factory=list)  # in training, likeness of the two codes


class JOINT(MatchingNet[JointState]):
    """A light re-implementation of the idea of JOINT.

    The mask of a remembered frame becomes a code per cell. A new frame gets two codes, which are added: what attention
    reads at similar cells, and what a filter gives that is fitted to the remembered frames by a few steps.

    Args:
        encoder: image encoder with stages 4, 8 and 16.
        channels: `F`.
        codes: `E`, of each object.
        width: of the decoder at all strides, a multiple of 8.
        most: frames that are remembered; the oldest but the reference go.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.vos import JOINT
        >>> net = JOINT(MobileNetV2Encoder(last_stage=16)).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64).tril()).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(
        self, encoder: Encoder, *, channels: int = 64, codes: int = 8, width: int = 64, most: int = 20
    ) -> None:
        super().__init__(encoder, every=3)
        self.for_filter, self.for_attention = (
            nn.Conv2d(encoder.channels[16], channels, 3, padding=1) for _ in range(2)
        )
        self.stem = nn.Sequential(nn.PixelUnshuffle(4), _down(16, 32), _down(32, 64))
        self.to_code, self.to_weight, self.to_label = (nn.Conv2d(64, codes, 3, padding=1) for _ in range(3))
        nn.init.zeros_(self.to_weight.weight)
        nn.init.ones_(self.to_weight.bias)  # type: ignore[arg-type]
        self.decay = nn.Parameter(torch.tensor(0.01))
        self.transduce = Transduction(channels)
        self.decoder = PyramidDecoder(encoder.channels, codes, (width, width, width))
        self.codes, self.most = codes, most

    def begin(self, features: Features, masks: Tensor, present: Tensor) -> JointState:
        """See `MatchingNet.begin`."""
        rows, cells = self.rows_of(features), self.for_attention(features[16]).flatten(2).transpose(1, 2)
        code, weight, label = self.encode(masks)
        nothing = rows.new_zeros(rows.shape[0], rows.shape[2], code.shape[2])
        state = JointState(
            present=present,
            size=masks.shape[-2:],
            rows=[rows],
            codes=[code],
            weights=[weight],
            cells=[cells],
            labels=[label],
            shares=[1.0],
            filters=nothing,
            known=cells,
        )
        self._learn(state, FIRST_STEPS)
        return state

    def look(self, features: Features, state: JointState) -> Tensor:
        """See `MatchingNet.look`."""
        objects, size = state.present.shape[1] - 1, features[16].shape[-2:]
        trace = self.traced(features, state)
        trace["rows"] = self.rows_of(features)
        trace["cells"] = self.for_attention(features[16]).flatten(2).transpose(1, 2)
        induced = trace["rows"] @ state.filters  # (B, h * w, K * E)
        carried = self.transduce(trace["cells"], state.known, torch.cat(state.labels, dim=1))
        if self.training:
            one, other = (x.float().unflatten(2, (objects, -1)) for x in (induced, carried))
            state.apart.append(F.cosine_similarity(one, other, dim=3).square().mean())
        code = (induced + carried).transpose(1, 2).unflatten(1, (objects, -1)).flatten(0, 1).unflatten(2, size)
        logits: Tensor = self.decoder(code, features)
        return logits.squeeze(1).unflatten(0, (-1, objects))

    def remember(self, features: Features, masks: Tensor, state: JointState) -> None:
        """See `MemoryNet.remember`."""
        trace = self.traced(features, state)
        rows = trace["rows"] if "rows" in trace else self.rows_of(features)
        cells = trace["cells"] if "cells" in trace else self.for_attention(features[16]).flatten(2).transpose(1, 2)
        code, weight, label = self.encode(masks)
        new = (rows, code, weight, cells, label)
        oldest = slice(1, 2) if len(state.rows) == self.most else slice(0, 0)  # but the reference
        del state.shares[oldest]
        state.shares = frame_weights(state.shares)
        for kept, one in zip((state.rows, state.codes, state.weights, state.cells, state.labels), new, strict=True):
            del kept[oldest]
            kept.append(one)
        self._learn(state, STEPS)

    def rows_of(self, features: Features) -> Tensor:
        """Patches (B, h * w, R) of a frame, of unit length on average."""
        x = F.normalize(self.for_filter(features[16]).float().flatten(1), dim=1).unflatten(
            1, (-1, *features[16].shape[-2:])
        )
        x = x * (x.shape[-1] * x.shape[-2] / SIDE**2) ** 0.5
        return F.unfold(x, SIDE, padding=SIDE // 2).transpose(1, 2)

    def encode(self, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Codes and weights for the filter, and codes for attention, each (B, h * w, K * E), of masks (B, K, H, W)."""
        x = self.stem(on_grid(masks).flatten(0, 1).unsqueeze(1))
        heads = [head(x).unflatten(0, masks.shape[:2]) for head in (self.to_code, self.to_weight, self.to_label)]
        code, weight, label = (x.flatten(3).flatten(1, 2).transpose(1, 2) for x in heads)
        return code, weight, label

    def further_loss(self, state: JointState, truth: Tensor) -> Tensor:
        """How alike the two codes are; they are to say different things (JOINT, 3.5)."""
        return APART_WEIGHT * torch.stack(state.apart).mean()

    def _learn(self, state: JointState, steps: tuple[int, int]) -> None:
        """Fit the filter to all that is remembered, and let its cells exchange."""
        weights = [share**0.5 * one for share, one in zip(state.shares, state.weights, strict=True)]
        state.filters = fit_filter(
            state.filters,
            torch.cat(state.rows, dim=1),
            torch.cat(state.codes, dim=1),
            torch.cat(weights, dim=1),
            decay=self.decay,
            objects=state.present.shape[1] - 1,
            steps=steps[0] if self.training else steps[1],
        )
        state.known = self.transduce.exchange(torch.cat(state.cells, dim=1))


def frame_weights(shares: Sequence[float]) -> list[float]:
    """Shares of remembered frames, the reference first, with a new one that gets a tenth.

    Example::

        >>> [round(share, 3) for share in frame_weights([0.25, 0.75])]
        [0.25, 0.653, 0.097]
    """
    reference = max(REFERENCE_SHARE, (1 - NEW_SHARE) * shares[0])
    others = [*((1 - NEW_SHARE) * share for share in shares[1:]), NEW_SHARE]
    return [reference, *(share * (1 - reference) / sum(others) for share in others)]


def _down(in_channels: int, channels: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(in_channels, channels, 3, stride=2, padding=1), nn.ReLU())
