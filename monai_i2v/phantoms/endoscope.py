# SPDX-License-Identifier: Apache-2.0
"""How the phantom draws an endoscopy: wet, veined mucosa in a round view, glints, an instrument.

Lengths are in units of the picture's height, colors RGB in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monai_i2v.phantoms.shapes import MovingOutline, away, sample, smooth_noise

__all__ = ["EndoscopeLook", "rim"]

TEXTURE = 512  # cells of the periodic mucosa map
CELLS = 340.0  # of it per unit length
VIEW = 0.487  # radius of the round view, in units of the shorter side
MUCOSA, BLOOD, FLESH = (0.86, 0.50, 0.42), (0.66, 0.17, 0.15), (0.58, 0.27, 0.235)
BAR_WIDTH = 0.055  # half the width of the instrument
LUMEN = 2  # the second object is the dark opening, all others are polyps


class EndoscopeLook:
    """Draws frames of mucosa with polyps and a dark opening, seen by a moving camera.

    Args:
        size: (height, width) in px.
        outlines: the objects on the wall; the second one is drawn as a dark opening.
        length: number of frames.
        seed: chooses the mucosa, the camera's path and the noise.
        period: frames of one sway of the camera.
        instrument: let a metal bar come in, cross the middle and leave again, once. What it covers is not in
            the masks.
        pan: (x, y) by which the camera looks away for a stretch of the video.

    Example::

        >>> from monai_i2v.phantoms.endoscope import EndoscopeLook
        >>> from monai_i2v.phantoms.shapes import MovingOutline, Outline
        >>> polyp = MovingOutline(Outline(center=(0.0, 0.0), radii=(0.1, 0.1)), period=25.0)
        >>> EndoscopeLook((64, 64), outlines=[polyp], length=10, seed=0).draw(0).shape
        (64, 64, 3)
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        outlines: Sequence[MovingOutline],
        length: int,
        seed: int,
        period: float = 25.0,
        instrument: bool = False,
        pan: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        height, width = size
        self.outlines, self.length, self.seed = outlines, length, seed
        self.period, self.instrument, self.pan = period, instrument, pan
        rng = np.random.default_rng((seed, 3))
        self.mucosa = _mucosa(rng, finest=2 * CELLS / height)
        self.phases = rng.uniform(0, 2 * np.pi, 4)
        rows = (np.arange(height) + 0.5) / height - 0.5
        columns = (np.arange(width) - width / 2 + 0.5) / height
        self.x, self.y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        self.radius = np.hypot(self.x, self.y)
        self.rim = rim(size)
        self.light = np.exp(-((self.radius / (1.25 * self.rim)) ** 2))

    def points(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Where on the wall the pixels of a frame look, x and y (H, W): the camera shifts, turns, zooms."""
        turn, (a, b, c, d) = 2 * np.pi * index / self.period, self.phases
        angle, zoom = 0.10 * np.sin(0.57 * turn + a), 1 + 0.10 * np.sin(0.41 * turn + b)
        cos, sin = np.float32(np.cos(angle) / zoom), np.float32(np.sin(angle) / zoom)
        gone = away(index, self.length)
        x = cos * self.x - sin * self.y + np.float32(0.045 * np.sin(turn + c) + gone * self.pan[0])
        y = sin * self.x + cos * self.y + np.float32(0.035 * np.sin(0.73 * turn + d) + gone * self.pan[1])
        return x, y

    def visible(self, index: int) -> np.ndarray:
        """Which pixels (H, W) of a frame can show an object: in the round view, not behind the instrument."""
        view = self.radius < self.rim
        return view & (self._bar(index)[1] >= BAR_WIDTH) if self.instrument else view

    def draw(self, index: int) -> np.ndarray:
        """Frame `index` as a color picture (H, W, 3), uint8."""
        x, y = self.points(index)
        layers = sample(self.mucosa, x * CELLS, y * CELLS)  # (H, W, 5)
        color, slopes = layers[..., :3], (layers[..., 3], layers[..., 4])
        shade = np.ones_like(x)
        for number, moving in reversed(list(enumerate(self.outlines, start=1))):
            p, q = moving.at(index, self.length).local(x, y)
            norm = np.hypot(p, q)
            if number == LUMEN:
                color, shade = _opening(norm, color, shade)
            else:
                color, shade, slopes = _polyp((p, q, norm), color, shade, slopes)
        picture = self._lit(color, shade, slopes)
        if self.instrument:
            picture = self._with_bar(picture, index)
        noise = np.random.default_rng((self.seed, 4, index)).standard_normal(x.shape, dtype=np.float32)
        edge = np.clip((self.rim - self.radius) * self.x.shape[0] + 0.5, 0, 1)
        picture = np.clip(picture + 0.008 * noise[..., None], 0, 1) * edge[..., None]
        return np.rint(255 * picture**0.9).astype(np.uint8)

    def _lit(self, color: np.ndarray, shade: np.ndarray, slopes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Diffuse light from the camera, plus glints where the wet surface mirrors it."""
        slope_x, slope_y = slopes
        to_lamp_x, to_lamp_y = -1.1 * self.x, -1.1 * self.y
        normal = 1 / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
        lamp = 1 / np.sqrt(1 + to_lamp_x * to_lamp_x + to_lamp_y * to_lamp_y)
        diffuse = np.clip((1 - slope_x * to_lamp_x - slope_y * to_lamp_y) * normal * lamp, 0, 1)
        off_mirror = (slope_x + 0.5 * to_lamp_x) ** 2 + (slope_y + 0.5 * to_lamp_y) ** 2
        glint = np.exp(-off_mirror / 0.0028) * np.clip(2 * shade - 1, 0, 1)
        return color * (1.12 * diffuse * shade * self.light)[..., None] + (0.75 * glint * self.light)[..., None]

    def _bar(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Distance of each pixel from the bar's tip along the bar (negative beyond it), and from its axis."""
        reach = np.sin(np.pi * index / max(self.length - 1, 1)) ** 2 * 1.25 * self.rim  # travel of the tip
        along, across = np.cos(0.72), np.sin(0.72)  # the bar points up and left from the lower right
        s = (self.x - self.rim) * along + (self.y - self.rim) * across + reach + 0.25 * self.rim
        t = (self.y - self.rim) * along - (self.x - self.rim) * across - 0.12 * self.rim
        return s, np.hypot(np.minimum(s, 0), t)

    def _with_bar(self, picture: np.ndarray, index: int) -> np.ndarray:
        s, distance = self._bar(index)
        round_off = np.sqrt(np.clip(1 - (distance / BAR_WIDTH) ** 2, 0, 1))
        gray = 0.18 + 0.55 * round_off + 0.35 * np.exp(-(((round_off - 0.93) / 0.05) ** 2))
        gray = gray * np.where((s > 0.05) & (s < 0.07), 0.45, 1.0) * (0.5 + 0.6 * self.light)
        metal = gray[..., None] * np.asarray((0.86, 0.90, 0.95), dtype=np.float32)
        shadow = 1 - 0.35 * np.exp(-((np.maximum(distance - BAR_WIDTH, 0) / 0.03) ** 2))
        return np.where((distance < BAR_WIDTH)[..., None], metal, picture * shadow[..., None])


def rim(size: tuple[int, int]) -> float:
    """Radius of the round view in a picture of (height, width) px."""
    return VIEW * min(1.0, size[1] / size[0])


def _mucosa(rng: np.random.Generator, finest: float) -> np.ndarray:
    """Periodic map (TEXTURE, TEXTURE, 5): color, and the surface's slope along x and y; no detail below
    `finest`."""

    def noise(grain: float, band: bool = False) -> np.ndarray:
        return smooth_noise(rng, TEXTURE, max(grain, finest), band)

    patches = noise(70)
    veins = np.exp(-((noise(55, band=True) / 0.10) ** 2))
    veins = np.maximum(veins, 0.7 * np.exp(-((noise(26, band=True) / 0.11) ** 2)))
    veins = veins * np.clip(0.55 + 0.4 * noise(60), 0, 1)
    pits = noise(5, band=True)
    share = (0.5 * veins + np.clip(0.12 + 0.09 * patches, 0, 1))[..., None]
    color = np.asarray(MUCOSA) * (1 - share) + np.asarray(BLOOD) * share
    color = color * (1 + 0.02 * pits + 0.025 * noise(12))[..., None]
    height = 9 * noise(90) + 2.6 * noise(34) + 0.30 * noise(11) + 0.08 * pits  # cells
    slope_x = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / 2
    slope_y = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / 2
    return np.concatenate([color, slope_x[..., None], slope_y[..., None]], axis=-1).astype(np.float32)


def _opening(norm: np.ndarray, color: np.ndarray, shade: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A dark hole whose lip catches light."""
    depth = 0.5 + 0.5 * np.tanh((norm - 0.93) / 0.11)
    folds = 1 - 0.18 * np.exp(-(((norm - 1.32) / 0.10) ** 2)) + 0.16 * np.exp(-(((norm - 1.10) / 0.09) ** 2))
    dark = np.asarray((0.30, 0.07, 0.06), dtype=np.float32)
    color = color * depth[..., None] + dark * (1 - depth)[..., None]
    return color, shade * folds * (0.10 + 0.90 * depth)


def _polyp(
    body: tuple[np.ndarray, np.ndarray, np.ndarray],
    color: np.ndarray,
    shade: np.ndarray,
    slopes: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """A dome of slightly different color, with a groove around its foot."""
    p, q, norm = body
    cover = 0.5 - 0.5 * np.tanh((norm - 1) / 0.06)
    lobes = 0.05 * np.sin(9 * p + 3 * q) * np.sin(8 * q - 4 * p)
    flesh = np.asarray(FLESH, dtype=np.float32) * (1.02 + lobes[..., None])
    color = color + (flesh - 0.58 * color) * cover[..., None]
    steep = 1.1 * np.minimum(norm, 1) ** 2 * cover
    groove = 1 - 0.30 * np.exp(-(((norm - 1.06) / 0.14) ** 2))
    smoother = 1 - 0.5 * cover
    return color, shade * groove, (slopes[0] * smoother - steep * p, slopes[1] * smoother - steep * q)
