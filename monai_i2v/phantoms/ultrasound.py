# SPDX-License-Identifier: Apache-2.0
"""How the phantom draws an echocardiogram: scatterers that stick to the tissue, seen through a sector probe.

Every frame is drawn beam by beam (depth x beams) and then scan-converted, as a scanner does it: so the grain
of the speckle widens with depth. Lengths are in units of the picture's height, echo levels in dB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_i2v.phantoms.shapes import MovingOutline, sample, smooth_noise

__all__ = ["UltrasoundLook", "sector"]

APEX = 0.03  # y of the probe
DEPTH = 0.94  # from the probe to the deepest echo, where the picture is wide enough
DEPTH_MM = 150.0  # to which an adult heart is scanned
DYNAMIC_RANGE = 56.0  # dB from black to white
SAMPLES = (160, 400)  # least and most per unit length of a beam: finer than small chambers, not too slow
TEXTURE = 512  # cells of the periodic maps
REGION_CELLS = 256  # of the map of echogenic regions, per unit length
MEMORY = 0.94  # share of the scatterers' amplitude that survives from frame to frame
BLOOD, TISSUE, MUSCLE = -45.0, -31.0, -24.0  # dB
WALL = 0.055  # thickness of the muscle around a chamber; it moves with the chamber
REACH = 0.08  # over which the motion fades in the tissue beyond


class UltrasoundLook:
    """Draws frames of a sector with dark chambers in speckled tissue.

    Args:
        size: (height, width) in px.
        outlines: the chambers.
        length: number of frames.
        seed: chooses scatterers, noise and gain.
        shadow: let a rib's shadow sweep over the sector once. What it darkens stays in the masks, as a reader
            of echocardiograms draws a chamber through its shadow.

    Example::

        >>> from monai_i2v.phantoms.shapes import MovingOutline, Outline
        >>> from monai_i2v.phantoms.ultrasound import UltrasoundLook
        >>> chamber = MovingOutline(Outline(center=(0.0, 0.5), radii=(0.1, 0.2)), period=25.0, beat=0.2)
        >>> UltrasoundLook((64, 64), outlines=[chamber], length=10, seed=0).draw(0).shape
        (64, 64, 1)
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        outlines: Sequence[MovingOutline],
        length: int,
        seed: int,
        shadow: bool = False,
    ) -> None:
        height, width = size
        self.outlines, self.length, self.seed, self.shadow = outlines, length, seed, shadow
        rng = np.random.default_rng((seed, 1))
        self.scatterers = (rng.standard_normal((TEXTURE, TEXTURE, 2)) @ [1, 1j]).astype(np.complex64)
        self.regions = smooth_noise(rng, TEXTURE, 70) * 4.0 + smooth_noise(rng, TEXTURE, 16) * 3.0  # dB
        self.half_angle, self.depth = sector(size)
        per_unit = min(max(height, SAMPLES[0]), SAMPLES[1])
        self.cells = 0.6 * per_unit  # scatterers per unit length, fewer than samples: so they move smoothly
        samples, beams = max(round(per_unit * self.depth), 16), max(round(per_unit * 0.7), 16)
        self.r, self.angle = np.meshgrid(  # (samples, beams)
            np.linspace(0, self.depth, samples, dtype=np.float32),
            np.linspace(-self.half_angle, self.half_angle, beams, dtype=np.float32),
            indexing="ij",
        )
        self.x, self.y = self.r * np.sin(self.angle), self.r * np.cos(self.angle) + APEX

        rows, columns = (np.arange(height) + 0.5) / height, (np.arange(width) - width / 2 + 0.5) / height
        self.pixel_x, self.pixel_y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        below = self.pixel_y - APEX
        radius, angle = np.hypot(self.pixel_x, below), np.arctan2(self.pixel_x, below)
        self.view = (radius <= self.depth) & (np.abs(angle) <= self.half_angle) & (radius > 0.012)
        self.sample_of_pixel = (radius / self.depth)[self.view] * (samples - 1)
        self.beam_of_pixel = (angle / self.half_angle * 0.5 + 0.5)[self.view] * (beams - 1)

    def points(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the pixels of a frame are, x and y (H, W); the probe is held still."""
        return self.pixel_x, self.pixel_y

    def visible(self, index: int) -> np.ndarray:
        """Which pixels (H, W) of a frame can belong to an object: those in the sector."""
        return self.view

    def draw(self, index: int) -> np.ndarray:
        """Frame `index` as a gray picture (H, W, 1), uint8."""
        x, y = self._follow(index)
        level = self._echo_level(index, x, y) + self._gain(index)
        amplitude = 10 ** (level / 20) * self._speckle(x, y, index)
        beams = 20 * np.log10(np.abs(_point_spread(amplitude)) + 1e-4)  # (samples, beams)
        gray = np.zeros(self.view.shape, dtype=np.float32)
        level = sample(beams, self.beam_of_pixel, self.sample_of_pixel)
        gray[self.view] = np.clip(level / DYNAMIC_RANGE + 1, 0, 1)
        return np.rint(255 * gray**1.1).astype(np.uint8)[..., None]

    def _follow(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Where each point of the grid was when the heart was at rest; the pull fades away from the walls."""
        dx, dy, total = np.zeros_like(self.x), np.zeros_like(self.y), np.zeros_like(self.x)
        for moving in self.outlines:
            outline = moving.at(index, self.length)
            p, q = outline.local(self.x, self.y)
            wall = (np.hypot(p, q) - 1) * float(np.mean(outline.radii))  # distance from the chamber, roughly
            pull = np.exp(-np.maximum(wall - WALL, 0) / REACH)
            x, y = moving.rest.points(p, q)
            dx, dy, total = dx + pull * (x - self.x), dy + pull * (y - self.y), total + pull
        return self.x + dx / np.maximum(total, 1), self.y + dy / np.maximum(total, 1)

    def _echo_level(self, index: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        regions = sample(self.regions, x * REGION_CELLS, y * REGION_CELLS)
        level = TISSUE + regions
        inside, haze = np.zeros(x.shape, dtype=bool), np.zeros_like(x)
        for moving in self.outlines:
            outline = moving.at(index, self.length)
            p, q = outline.local(self.x, self.y)
            norm = np.hypot(p, q)
            wall = (norm - 1) * float(np.mean(outline.radii))  # distance from the chamber, roughly
            facing = 0.35 + 0.65 * np.abs(q) / np.maximum(norm, 1e-6)  # strong where hit squarely
            lining = 13 * np.exp(-(((wall - 0.006) / 0.010) ** 2))
            sac = 17 * np.exp(-(((wall - WALL) / 0.009) ** 2))
            level = np.where((wall > 0) & (wall < WALL), MUSCLE + 0.8 * regions, level)
            level = level + facing * (lining + sac)
            haze = np.maximum(haze, np.exp(-np.abs(wall) / 0.03))
            inside |= wall < 0
        return np.where(inside, BLOOD + 0.8 * regions + 11 * haze, level)

    def _gain(self, index: int) -> np.ndarray:
        near_field = 12 * np.exp(-((self.r / 0.05) ** 2))
        edge = -9 * (np.abs(self.angle) / self.half_angle) ** 4
        gain = 4 + near_field + edge - 9 * self.r / self.depth
        if self.shadow:
            middle = self.half_angle * (3.2 * index / max(self.length - 1, 1) - 1.6)
            band = np.exp(-(((self.angle - middle) / (0.22 * self.half_angle)) ** 6))
            gain = gain - 34 * band / (1 + np.exp(-(self.r - 0.1) / 0.012))
        return gain

    def _speckle(self, x: np.ndarray, y: np.ndarray, index: int) -> np.ndarray:
        tissue = sample(self.scatterers, x * self.cells, y * self.cells)
        rng = np.random.default_rng((self.seed, 2, index))
        fresh = rng.standard_normal((2, *x.shape), dtype=np.float32)
        return MEMORY * tissue + np.sqrt(1 - MEMORY**2) * (fresh[0] + 1j * fresh[1])


def sector(size: tuple[int, int]) -> tuple[float, float]:
    """Half the opening angle (radians) and the depth of the sector that fills a picture (height, width)."""
    reach = 0.485 * size[1] / size[0]
    half_angle = float(np.arcsin(np.clip(reach / DEPTH, np.sin(0.4), np.sin(0.75))))
    return half_angle, min(DEPTH, reach / float(np.sin(half_angle)))


def _point_spread(echoes: np.ndarray) -> np.ndarray:
    """Blur (samples, beams) as a probe does: finely along the beam, coarsely across beams."""
    for axis, weights in ((0, (0.24, 0.52, 0.24)), (1, (0.12, 0.23, 0.30, 0.23, 0.12))):
        reach = len(weights) // 2
        margins = [(reach, reach) if other == axis else (0, 0) for other in (0, 1)]
        padded, blurred = np.pad(echoes, margins, mode="edge"), np.zeros_like(echoes)
        for k, weight in enumerate(weights):
            blurred += weight * padded.take(range(k, k + echoes.shape[axis]), axis=axis)
        echoes = blurred
    return echoes
