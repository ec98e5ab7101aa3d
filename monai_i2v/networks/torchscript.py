# SPDX-License-Identifier: Apache-2.0
"""Networks as TorchScript, for ``monai.bundle ckpt_export``.

TorchScript cannot read our networks: loops that are generators, states that are dataclasses. `torch.export` follows
them, and complains where a result depends on what the pictures show; what it makes of them, TorchScript can trace.
"""

# Annotations are not postponed here: TorchScript reads them.

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["ScriptedClipNet", "ScriptedImageNet"]

# The size, px, at which videos are segmented if nothing else is said. A program is for one size.
SIDE = 256
FRAMES = 3


class ScriptedImageNet(nn.Module):
    """What `FewShotNet` is to `torch.jit.script`: one image of `SIDE` x `SIDE` px in, logits out.

    Args:
        net: the network, in evaluation mode.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        image = torch.rand(1, 3, SIDE, SIDE)
        self.program = _trace(net, (image, image.flip(3), torch.ones(1, 1, SIDE, SIDE)))

    def forward(self, query: Tensor, support: Tensor | None = None, support_mask: Tensor | None = None) -> Tensor:
        """See `FewShotNet.forward`."""
        if support is None:
            support = query
        if support_mask is None:
            support_mask = torch.ones_like(query[:, :1])
        logits: Tensor = self.program(query, support, support_mask)
        return logits


class ScriptedClipNet(nn.Module):
    """What a memory network is to `torch.jit.script`: a clip of `FRAMES` frames in, the masks of one object out.

    Args:
        net: the network, in evaluation mode.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.program = _trace(net, (torch.rand(1, FRAMES, 3, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)))

    def forward(self, clip: Tensor, masks: Tensor | None = None) -> Tensor:
        """See `segment_clip`."""
        if masks is None:
            masks = torch.ones_like(clip[:, 0, :1])
        prob: Tensor = self.program(clip, masks)
        return prob


@torch.no_grad()
def _trace(net: nn.Module, examples: Sequence[Tensor]) -> torch.jit.ScriptModule:
    program = torch.export.export(net.eval(), tuple(examples)).module()
    with warnings.catch_warnings():
        # The program compares sizes with those it was made for; what depends on pictures was refused above.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced: torch.jit.ScriptModule = torch.jit.trace(program, tuple(examples), check_trace=False)
    return traced
