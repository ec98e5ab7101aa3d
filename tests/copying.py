# SPDX-License-Identifier: Apache-2.0
"""The cheapest segmenter: for tests of what is around a network."""

from torch import nn


class Copy(nn.Module):
    """Copies the first mask, and is sure of it."""

    def start(self, frame, masks):
        return masks

    def step(self, frame, state):
        return state, state
