# SPDX-License-Identifier: Apache-2.0
"""What do the few-shot methods cost? Time and memory of a training step, parameters, and lines of code.

    python benchmarks/few_shot_cost.py --output FILE.json

Each light form is trained for a few steps on random episodes, in a process of its own: CPU-seconds of the best step,
and how far the process grew beyond what it held before the first one. Methods that the file has already are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from training_cost import cost_parser, measure_each, measure_steps

from monai_i2v.errors import show_usage_errors_in_one_sentence
from monai_i2v.inferers import AutocastInferer
from monai_i2v.losses import EpisodeLoss
from monai_i2v.networks.few_shot import LIGHT_FORMS, light_network, light_optimizer


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    parser = cost_parser(__doc__, LIGHT_FORMS)
    parser.add_argument("--episodes", type=int, default=8, help="of a step")
    args = parser.parse_args(argv)
    measure_each(measure, args, size=args.size, episodes=args.episodes)


def measure(method: str, size: int, episodes: int, steps: int) -> dict[str, Any]:
    """A row of the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = light_network(method).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss, inferer = EpisodeLoss(), AutocastInferer()
    query, support = torch.rand(2, episodes, 3, size, size)
    mask = torch.zeros(episodes, 1, size, size)
    mask[..., size // 4 : size // 2, size // 4 : size // 2] = 1

    def loss_of() -> Tensor:
        value: Tensor = loss(inferer(query, network, support, mask, mask), mask)
        return value

    return {**measure_steps(network, light_optimizer(method, network), loss_of, steps)}


if __name__ == "__main__":
    show_usage_errors_in_one_sentence()
    main()
