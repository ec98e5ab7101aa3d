# SPDX-License-Identifier: Apache-2.0
"""A synthetic medical video with exact masks, for tests, demonstrations and first tries without data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monai_i2v.media.video import Video, VideoInfo
from monai_i2v.phantoms.endoscope import EndoscopeLook, rim
from monai_i2v.phantoms.shapes import MovingOutline, Outline
from monai_i2v.phantoms.ultrasound import APEX, DEPTH, DEPTH_MM, UltrasoundLook, sector

__all__ = ["LOOKS", "Phantom"]

LOOKS = ("ultrasound", "endoscope")
MAX_OBJECTS = 3
MIN_SIZE = 16  # px, the smallest picture that the networks take
FRAME_TIME = {"ultrasound": 1 / 30, "endoscope": 1 / 25}  # s


class Phantom(Video):
    """A beating heart in a speckled ultrasound sector, or polyps in an endoscope's round view.

    Frames are drawn when they are read, each from the arguments and its index alone: a phantom of any length
    costs no memory and may be read in any order. The first frame shows all objects, unoccluded.

    Args:
        look: ``"ultrasound"`` (gray, 150 mm deep; object 1 left ventricle, 2 left atrium, 3 right ventricle)
            or ``"endoscope"`` (RGB, without spacing as endoscopes are; object 1 polyp, 2 opening, 3 polyp).
        length: number of frames.
        size: (height, width) in px.
        objects: how many objects there are, 1 to 3; their labels are 1, 2, 3.
        seed: chooses anatomy, texture and motion.
        occlusion: let something cross the view once: a rib's shadow (ultrasound; what it darkens stays in the
            mask) or an instrument (endoscope; what it covers leaves the mask).
        leaves: object 1 is out of view from about 40 to 60 % of the video.
        period: frames per heart beat, or per sway of the camera.

    Raises:
        ValueError: When an argument is out of its range.

    Example::

        >>> from monai_i2v.phantoms.phantom import Phantom
        >>> video = Phantom("ultrasound", length=2000, size=(64, 80))
        >>> video.read(1999).shape, video[0].shape, video.label_map(0).max()
        ((64, 80, 1), torch.Size([3, 64, 80]), np.uint8(1))
    """

    def __init__(
        self,
        look: str = "ultrasound",
        *,
        length: int = 30,
        size: tuple[int, int] = (256, 256),
        objects: int = 1,
        seed: int = 0,
        occlusion: bool = False,
        leaves: bool = False,
        period: float = 25.0,
    ) -> None:
        _check(look, length=length, size=size, objects=objects, period=period)
        rng = np.random.default_rng((seed, 0))
        self.look: UltrasoundLook | EndoscopeLook
        if look == "ultrasound":
            outlines = _heart(rng, sector(size)[1] / DEPTH, period, leaves)[:objects]
            self.look = UltrasoundLook(size, outlines=outlines, length=length, seed=seed, shadow=occlusion)
            spacing = (DEPTH_MM / sector(size)[1] / size[0],) * 2
        else:
            self.look = EndoscopeLook(
                size,
                outlines=_wall(rng, rim(size), period)[:objects],
                length=length,
                seed=seed,
                period=period,
                instrument=occlusion,
                pan=(1.15 * rim(size), -0.75 * rim(size)) if leaves else (0.0, 0.0),
            )
            spacing = None
        super().__init__(VideoInfo(f"phantom-{look}", "phantom", length, *size, FRAME_TIME[look], spacing))

    def read(self, index: int) -> np.ndarray:
        """Frame `index`, uint8: (H, W, 1) in ultrasound, (H, W, 3) in endoscopy."""
        return self.look.draw(index)

    def label_map(self, index: int) -> np.ndarray:
        """True labels (H, W) of frame `index`, uint8: 0 background, 1 to `objects`; object 1 is in front."""
        x, y = self.look.points(index)
        labels = np.zeros(x.shape, dtype=np.uint8)
        for label, moving in reversed(list(enumerate(self.look.outlines, start=1))):
            labels[np.hypot(*moving.at(index, len(self)).local(x, y)) < 1] = label
        return labels * self.look.visible(index)


def _check(look: str, *, length: int, size: tuple[int, int], objects: int, period: float) -> None:
    if look not in LOOKS:
        raise ValueError(f"look must be one of {', '.join(LOOKS)}, got {look!r}; choose one of these.")
    if length < 1:
        raise ValueError(f"length must be 1 frame or more, got {length}; ask for at least one frame.")
    if min(size) < MIN_SIZE:
        raise ValueError(f"size must be at least ({MIN_SIZE}, {MIN_SIZE}) px, got {size}; enlarge the picture.")
    if not 1 <= objects <= MAX_OBJECTS:
        raise ValueError(f"objects must be 1 to {MAX_OBJECTS}, got {objects}; choose one of these.")
    if period <= 0:
        raise ValueError(f"period must be more than 0 frames, got {period}; 25 is a beat at 72 per minute.")


def _heart(rng: np.random.Generator, scale: float, period: float, leaves: bool) -> list[MovingOutline]:
    """Left ventricle, left atrium (which fills late) and right ventricle of an apical view."""

    def chamber(place: tuple[float, float, float, float], angle: float, beat: float, lag: float) -> MovingOutline:
        x, y, a, b = (scale * value for value in place)
        shape = _jittered(rng, (x, y + APEX), (a, b), angle)
        return MovingOutline(shape, period, beat=beat, lag=lag, sway=0.010 * scale, tilt=0.05)

    ventricle = chamber((0.05, 0.38, 0.110, 0.185), 0.06, beat=0.26, lag=0.0)
    atrium = chamber((0.06, 0.745, 0.105, 0.085), 0.10, beat=0.18, lag=0.45)
    right = chamber((-0.145, 0.47, 0.052, 0.130), 0.30, beat=0.24, lag=0.04)
    if leaves:
        ventricle = replace(ventricle, exit=(1.2 * scale, 0.0))
    return [ventricle, atrium, right]


def _wall(rng: np.random.Generator, scale: float, period: float) -> list[MovingOutline]:
    """A polyp, the dark opening of the lumen and a second polyp."""

    def thing(x: float, y: float, radius: float, beat: float) -> MovingOutline:
        radii = (1.12 * radius * scale, 0.9 * radius * scale)
        shape = _jittered(rng, (x * scale, y * scale), radii, rng.uniform(-1, 1))
        return MovingOutline(shape, period, beat=beat, lag=0.3, sway=0.015 * scale, tilt=0.12)

    return [thing(-0.20, 0.16, 0.26, 0.10), thing(0.34, -0.32, 0.24, 0.16), thing(0.36, 0.46, 0.16, 0.08)]


def _jittered(
    rng: np.random.Generator, center: tuple[float, float], radii: tuple[float, float], angle: float
) -> Outline:
    x, y = center + rng.uniform(-0.08, 0.08, 2) * radii
    a, b = np.asarray(radii) * rng.uniform(0.93, 1.07, 2)
    return Outline((x, y), (a, b), angle + rng.uniform(-0.06, 0.06), wobble=rng.uniform(0, 6.28), ripple=0.13)
