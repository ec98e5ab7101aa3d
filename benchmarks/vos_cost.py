# SPDX-License-Identifier: Apache-2.0
"""What do the trackers in light form cost? Time and memory of a training step, parameters, and lines of code.

    python benchmarks/vos_cost.py --output FILE.json

As `few_shot_cost.py`, of clips of three random frames with two objects. Speed and memory of what is trained are those
of `propagation.py --networks vos_stcn,...`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from training_cost import cost_parser, measure_each, measure_steps

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.inferers import AutocastInferer
from monai_i2v.losses import ClipSegmentationLoss
from monai_i2v.networks.vos import LIGHT_FORMS, light_network

FRAMES = 3


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = cost_parser(__doc__, LIGHT_FORMS)
    parser.add_argument("--clips", type=int, default=4, help="of a step")
    args = parser.parse_args(argv)
    measure_each(measure, args, size=args.size, clips=args.clips)


def measure(method: str, size: int, clips: int, steps: int) -> dict[str, Any]:
    """A row of the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = light_network(method).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = ClipSegmentationLoss(contrast_weight=0.05 if method == "tcmn" else 0.0, dice_weight=1.0)
    clip, truth = torch.rand(clips, FRAMES, 3, size, size), torch.zeros(clips, FRAMES, 2, size, size)
    truth[:, :, 0, size // 4 : size // 2, : size // 2], truth[:, :, 1, size // 2 :, size // 2 :] = 1, 1
    optimizer = torch.optim.AdamW([param for param in network.parameters() if param.requires_grad], lr=5e-4)
    inferer = AutocastInferer()

    def loss_of() -> Tensor:
        value: Tensor = loss(inferer(clip, network, truth[:, 0], truth), truth)
        return value

    return {**measure_steps(network, optimizer, loss_of, steps)}


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
