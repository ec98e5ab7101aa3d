# SPDX-License-Identifier: Apache-2.0
"""Outlines that move, beat and deform, and the noise textures that stick to them.

Lengths are in units of the picture's height; x points right, y points down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Outline", "MovingOutline", "away", "smooth_noise", "sample"]


@dataclass(frozen=True)
class Outline:
    """A wobbly ellipse at one moment.

    Args:
        center: (x, y).
        radii: half axes (along x, along y) before rotation.
        angle: rotation in radians, clockwise on the screen.
        wobble: phase in radians of the ripples that make it not quite an ellipse.
        ripple: height of the ripples as a fraction of the radius.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.phantoms.shapes import Outline
        >>> outline = Outline(center=(0.0, 0.0), radii=(0.2, 0.1), ripple=0.0)
        >>> p, q = outline.local(np.array([0.1, 0.3]), np.array([0.0, 0.0]))
        >>> np.hypot(p, q)
        array([0.5, 1.5])
    """

    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float = 0.0
    wobble: float = 0.0
    ripple: float = 0.08

    def local(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Body coordinates (p, q) of points (x, y): hypot(p, q) is below 1 inside and 1 on the outline."""
        x, y = x - self.center[0], y - self.center[1]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        p, q = (cos * x + sin * y) / self.radii[0], (cos * y - sin * x) / self.radii[1]
        stretch = self._stretch(p, q)
        return p / stretch, q / stretch

    def points(self, p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (x, y) of body coordinates (p, q), the inverse of `local`."""
        stretch = self._stretch(p, q)
        p, q = p * stretch * self.radii[0], q * stretch * self.radii[1]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return cos * p - sin * q + self.center[0], sin * p + cos * q + self.center[1]

    def _stretch(self, p: np.ndarray, q: np.ndarray) -> np.ndarray:
        norm = np.maximum(np.hypot(p, q), 1e-6)
        c, s = p / norm, q / norm
        cc = c * c
        cos2, cos3, sin3 = 2 * cc - 1, c * (4 * cc - 3), s * (4 * cc - 1)  # of the angle's double and triple
        ripples = 0.5 * np.cos(self.wobble) * cos2 + 0.5 * np.sin(self.wobble) * cos3 + 0.3 * sin3
        return 1 + self.ripple * ripples


@dataclass(frozen=True)
class MovingOutline:
    """An outline's whole life: beats, sways more slowly, may leave the view for a stretch and return.

    Args:
        rest: the outline at its largest, where it lives.
        period: frames per beat.
        beat: fraction of the radii that is lost at the end of a contraction, in [0, 1).
        lag: fraction of a period by which the beat is late.
        sway: amplitude of the slow drift.
        tilt: amplitude of the slow rotation, radians.
        exit: offset (x, y) at which the object is out of view; (0, 0) when it stays.
    """

    rest: Outline
    period: float
    beat: float = 0.0
    lag: float = 0.0
    sway: float = 0.0
    tilt: float = 0.0
    exit: tuple[float, float] = (0.0, 0.0)

    def at(self, index: int, length: int) -> Outline:
        """The outline in frame `index` of `length`."""
        turn = 2 * np.pi * index / self.period
        gone = away(index, length)
        x = self.rest.center[0] + self.sway * np.sin(0.43 * turn) + gone * self.exit[0]
        y = self.rest.center[1] + self.sway * np.sin(0.31 * turn) + gone * self.exit[1]
        size = 1 - self.beat * _contraction(index / self.period - self.lag)
        return replace(
            self.rest,
            center=(float(x), float(y)),
            radii=(self.rest.radii[0] * size, self.rest.radii[1] * (0.35 + 0.65 * size)),
            angle=float(self.rest.angle + self.tilt * np.sin(0.37 * turn)),
            wobble=float(self.rest.wobble + 0.5 * np.sin(0.5 * turn)),
        )


def _contraction(cycle: float) -> float:
    """Fast squeeze, slow release: 0 at the start of a cycle, 1 at 35 % of it."""
    cycle = cycle % 1.0
    return float(0.5 - 0.5 * np.cos(np.pi * (cycle / 0.35 if cycle < 0.35 else (1 - cycle) / 0.65)))


def away(index: int, length: int) -> float:
    """How far out of view something is: 1 from 40 to 60 % of the video, smoothly 0 before and after."""
    progress = index / max(length - 1, 1)
    gone, back = np.clip((progress - 0.18) / 0.22, 0, 1), np.clip((progress - 0.60) / 0.22, 0, 1)
    return float(gone * gone * (3 - 2 * gone) - back * back * (3 - 2 * back))


def smooth_noise(rng: np.random.Generator, size: int, grain: float, band: bool = False) -> np.ndarray:
    """Periodic Gaussian noise (size, size) with mean 0 and standard deviation 1.

    Args:
        rng: source of randomness.
        size: rows and columns.
        grain: width of a blob in cells.
        band: keep only waves of about this width instead of all that are longer.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]) * 2 * grain
    gain = np.exp(-8 * (frequency - 1) ** 2) if band else np.exp(-0.5 * (2 * frequency) ** 2)
    gain[0, 0] = 0
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) * gain, s=(size, size))
    return (noise / noise.std()).astype(np.float32)


def sample(texture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear look-up in a periodic texture (n, m, ...) at columns `x` and rows `y`, any shape, in cells."""
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    tail = (...,) + (None,) * (texture.ndim - 2)
    u, v = (x - left).astype(np.float32)[tail], (y - top).astype(np.float32)[tail]
    rows, columns = texture.shape[:2]
    flat = texture.reshape(rows * columns, *texture.shape[2:])
    left, right = left % columns, (left + 1) % columns
    top, bottom = top % rows * columns, (top + 1) % rows * columns
    upper = flat[top + left] * (1 - u) + flat[top + right] * u
    lower = flat[bottom + left] * (1 - u) + flat[bottom + right] * u
    return upper * (1 - v) + lower * v
