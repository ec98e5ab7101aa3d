# SPDX-License-Identifier: Apache-2.0
"""The development families, each split by patient or sequence into a half to choose on and a half to report.

Whatever is chosen (weights, thresholds, rules) is chosen on *choose*; *report* is looked at once, when nothing is left
to choose. Families weigh alike, however many clips they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from clips import Clip

__all__ = ["FAMILIES", "HALVES", "Half", "clips_of"]

Half: TypeAlias = Literal["choose", "report"]
HALVES: tuple[Half, ...] = get_args(Half)

FAMILIES: dict[str, dict[Half, tuple[str, ...]]] = {
    "cine": {"choose": ("cine_sc-hf-i-1_",), "report": ("cine_sc-hf-i-2_",)},
    "larynx": {
        "choose": ("larynx_patient1_seq1", "larynx_patient1_seq2"),
        "report": ("larynx_patient1_seq3", "larynx_patient1_seq4"),
    },
    "polyp": {
        "choose": tuple(f"polyp_cvc612_seq{number}" for number in ("02", "05", "07", "11")),
        "report": tuple(f"polyp_cvc612_seq{number}" for number in ("03", "06", "09", "12")),
    },
    "nuclei": {"choose": ("nuclei_hela_c1",), "report": ("nuclei_hela_c2",)},
    "heart": {
        "choose": ("heart_SC-N-02", "heart_SC-N-05", "heart_SC-N-07", "heart_SC-N-10"),
        "report": ("heart_SC-N-03", "heart_SC-N-06", "heart_SC-N-09", "heart_SC-N-11", "heart_SC-N-40"),
    },
    "phantom": {
        "choose": tuple(f"phantom-{look}_{seed}" for look in ("endoscope", "ultrasound") for seed in (0, 2, 4)),
        "report": tuple(f"phantom-{look}_{seed}" for look in ("endoscope", "ultrasound") for seed in (1, 3, 5)),
    },
}
"""Starts of the names of the clips, by family and half: patients of cine and heart, seeds of phantoms, else sequences.
Larynx is one patient, and nuclei are two sequences of one recording: their halves are more alike than patients are."""

PHANTOMS = 6
"""Phantoms of each look that `FAMILIES` names."""


def clips_of(clips: Sequence[Clip], family: str, half: Half) -> list[Clip]:
    """The clips of one half of a family."""
    return [clip for clip in clips if clip.name.startswith(FAMILIES[family][half])]
