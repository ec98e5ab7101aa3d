# SPDX-License-Identifier: Apache-2.0
"""Segment a medical video from the mask of one frame, with networks that learned from still images."""

__version__ = "0.1.0"
