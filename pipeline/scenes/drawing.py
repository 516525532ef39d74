"""Draws the things of a scene with PIL. Places and sizes are picture units (64 across); `scale` is pixels per unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from pipeline.scenes.catalogue import Thing
from pipeline.scenes.motion import CONTROL_RATE_HZ, Actor, random_color

_RAIN_DROPS = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Prop:
    """A silent distractor: place, drift in units per second, size, colour, phase 0..1."""

    thing: Thing
    x: float
    y: float
    drift: float
    size: float
    color: tuple[int, int, int]
    phase: float

    def center(self, time_s: float) -> tuple[float, float]:
        """Where it is: it leaves on one side and comes back on the other; balloons rise; flags stay."""
        if self.thing.name == "flag":
            return self.x, self.y
        x = (self.x + self.drift * time_s + 6) % 76 - 6
        rise = (2.0 * time_s) % 60 if self.thing.name == "balloon" else 0.0
        return x, self.y - rise


@dataclass(frozen=True, slots=True)
class Brush:
    """A drawing surface that takes picture units."""

    draw: ImageDraw.ImageDraw
    scale: float

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, fill: tuple[int, int, int]) -> None:
        """A filled ellipse in its bounding box."""
        s = self.scale
        self.draw.ellipse([min(x0, x1) * s, min(y0, y1) * s, max(x0, x1) * s, max(y0, y1) * s], fill=fill)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: tuple[int, int, int]) -> None:
        """A filled rectangle."""
        s = self.scale
        self.draw.rectangle([min(x0, x1) * s, min(y0, y1) * s, max(x0, x1) * s, max(y0, y1) * s], fill=fill)

    def shape(self, points: list[tuple[float, float]], fill: tuple[int, int, int]) -> None:
        """A filled polygon."""
        self.draw.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=fill)

    def line(self, x0: float, y0: float, x1: float, y1: float, fill: tuple[int, int, int], width: float) -> None:
        """A line; its width is in picture units and never under one pixel."""
        s = self.scale
        self.draw.line([x0 * s, y0 * s, x1 * s, y1 * s], fill=fill, width=max(1, round(width * s)))


def draw_background(rng: np.random.Generator, size: int) -> Image.Image:
    """Sky with a gradient, ground, up to three blocks on the horizon, a little noise; size x size RGB."""
    scale = size / 64
    sky = np.array(random_color(rng, 70, 230)) * np.array([0.7, 0.85, 1.0])
    ground, horizon = np.array(random_color(rng, 50, 160)), int(rng.uniform(34, 46) * scale)
    pixels = np.empty((size, size, 3))
    pixels[:horizon] = sky + np.linspace(-25, 25, horizon)[:, None, None]
    pixels[horizon:] = ground
    pixels += rng.normal(0, 3, pixels.shape)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    brush = Brush(ImageDraw.Draw(image), scale)
    for _ in range(int(rng.integers(0, 4))):
        x, width, height = rng.uniform(0, 64), rng.uniform(4, 13), rng.uniform(5, 20)
        brush.box(x, horizon / scale - height, x + width, horizon / scale, random_color(rng, 50, 170))
    return image


def draw_prop(brush: Brush, prop: Prop, time_s: float) -> None:
    """Draw a distractor as it is at `time_s`."""
    x, y = prop.center(time_s)
    s, color = prop.size, prop.color
    if prop.thing.name == "balloon":
        brush.ellipse(x - s, y - s * 1.2, x + s, y + s * 1.2, color)
        brush.line(x, y + s * 1.2, x, y + s * 3, (40, 40, 40), 0.5)
    elif prop.thing.name == "kite":
        brush.shape([(x, y - s * 1.4), (x + s, y), (x, y + s * 1.4), (x - s, y)], color)
        brush.line(x, y + s, x - s * 2, y + s * 4, (30, 30, 30), 0.5)
    elif prop.thing.name == "butterfly":
        wing = abs(np.sin(12 * time_s + prop.phase * 6)) * s
        brush.shape([(x, y), (x - wing, y - s), (x - wing, y + s)], color)
        brush.shape([(x, y), (x + wing, y - s), (x + wing, y + s)], color)
    elif prop.thing.name == "flag":
        brush.line(x, y - s, x, y + s * 6, (60, 60, 60), 1)
        top = [(x + j * s * 0.5, y - s + 1.5 * np.sin(9 * time_s + j)) for j in range(6)]
        brush.shape(top + [(a, b + s * 1.6) for a, b in reversed(top)], color)
    else:
        brush.ellipse(x - s * 2, y - s * 0.6, x + s * 2, y + s * 0.6, (245, 245, 245))
        brush.ellipse(x - s, y - s * 1.2, x + s, y + s * 0.2, (245, 245, 245))


def draw_actor(brush: Brush, actor: Actor, time_s: float) -> None:
    """Draw a sounding thing as it is at `time_s`; nothing while it is out of view."""
    step = min(int(time_s * CONTROL_RATE_HZ), len(actor.x) - 1)
    if actor.visible[step]:
        _DRAW[actor.thing.name](brush, actor, step, time_s)


def _rain(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    for drop in range(int(actor.pose[step] * _RAIN_DROPS)):
        x = (drop * 38.196601) % 64
        y = (drop * 61.803399 + 150 * time_s) % 72 - 4
        brush.line(x, y, x - 1, y + 5, (190, 205, 235), 0.5)


def _airplane(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s, d = actor.x[step], actor.y[step], actor.size[step], actor.direction
    fuselage = [(-1.2, -0.12), (1.2, -0.05), (1.35, 0.1), (-1.2, 0.18)]
    brush.shape([(x + d * s * a, y + s * b) for a, b in fuselage], (235, 235, 240))
    brush.shape([(x, y), (x - d * s * 0.6, y + s * 0.7), (x - d * s * 0.3, y)], (200, 205, 215))
    brush.shape([(x - d * s * 1.2, y), (x - d * s * 1.4, y - s * 0.55), (x - d * s * 0.9, y)], actor.color)


def _train(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s = actor.x[step], actor.y[step], actor.size[step]
    wagon, front, back = 26.0, x - actor.length / 2, x + actor.length / 2
    while front < back - 1:
        end = min(front + wagon - 1.5, back)
        if end > 0 and front < 64:
            brush.box(front, y - s, end, y + s * 0.5, actor.color)
            brush.box(front + 2, y - s * 0.7, max(end - 2, front + 2.5), y - s * 0.2, (240, 240, 180))
            brush.ellipse(front + 2, y + s * 0.3, front + 2 + s * 0.5, y + s * 0.8, (20, 20, 20))
            brush.ellipse(end - 2 - s * 0.5, y + s * 0.3, end - 2, y + s * 0.8, (20, 20, 20))
        front += wagon
    brush.line(0, y + s * 0.85, 64, y + s * 0.85, (90, 80, 70), 1)


def _siren(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s = actor.x[step], actor.y[step], actor.size[step]
    brush.box(x - s, y - s * 0.8, x + s, y + s * 0.5, (245, 245, 245))
    brush.box(x - s, y - s * 0.15, x + s, y + s * 0.1, (220, 30, 30))
    _wheels(brush, x, y + s * 0.5, s, 0.45)
    if actor.powered[step]:
        # The lamp shows whether the siren is on, so it must be seen from afar: it is large, and it glows.
        lamp = (255, 40, 40) if int(time_s * 8) % 2 else (40, 90, 255)
        brush.ellipse(x - s * 0.8 - 1, y - s * 1.8 - 1, x + s * 0.8 + 1, y - s * 0.8, (255, 240, 150))
        brush.ellipse(x - s * 0.5 - 0.5, y - s * 1.5 - 0.5, x + s * 0.5 + 0.5, y - s * 0.8, lamp)
    else:
        brush.box(x - s * 0.2, y - s * 0.9, x + s * 0.2, y - s * 0.8, (90, 90, 90))


def _wheels(brush: Brush, x: float, y: float, s: float, offset: float) -> None:
    for side in (-1, 1):
        center = x + side * s * offset
        brush.ellipse(center - s * 0.25, y - s * 0.25, center + s * 0.25, y + s * 0.25, (12, 12, 12))


def _car(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s, color = actor.x[step], actor.y[step], actor.size[step], actor.color
    cabin = (color[0] // 2 + 40, color[1] // 2 + 40, color[2] // 2 + 40)
    brush.box(x - s * 1.1, y - s * 0.2, x + s * 1.1, y + s * 0.4, color)
    roof = [(-0.7, -0.2), (-0.4, -0.7), (0.4, -0.7), (0.7, -0.2)]
    brush.shape([(x + s * a, y + s * b) for a, b in roof], cabin)
    _wheels(brush, x, y + s * 0.4, s, 0.55)


def _helicopter(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s = actor.x[step], actor.y[step], actor.size[step]
    brush.ellipse(x - s * 0.7, y - s * 0.4, x + s * 0.6, y + s * 0.5, actor.color)
    brush.box(x, y - s * 0.1, x - actor.direction * s * 1.6, y + s * 0.1, actor.color)
    brush.line(x - s * 0.5, y + s * 0.7, x + s * 0.5, y + s * 0.7, (40, 40, 40), 0.5)
    if actor.powered[step]:
        # Seen from afar: turning blades are a pale disc that flickers, standing ones are dark, thin and droop.
        flicker = (245, 245, 235) if int(time_s * 16) % 2 else (200, 205, 210)
        brush.ellipse(x - s * 1.8 - 1, y - s * 1.1 - 1, x + s * 1.8 + 1, y - s * 0.5, flicker)
    else:
        for side in (-1, 1):
            brush.line(x, y - s * 0.6, x + side * s * 1.3, y - s * 0.2, (40, 40, 40), 0.7)


def _ball(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s = actor.x[step], actor.y[step], actor.size[step]
    since = np.abs(actor.onset_times_s - time_s).min(initial=9.0)
    squash = 1.25 if since < 0.05 else 1.0
    brush.ellipse(x - s * squash, y + s - 2 * s / squash, x + s * squash, y + s, actor.color)
    brush.ellipse(x - s * 0.5, y - s * 0.5, x - s * 0.1, y - s * 0.1, (255, 255, 255))


def _hammer(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s = actor.x[step], actor.y[step], actor.size[step]
    anvil = [(-1.0, -0.1), (1.0, -0.1), (0.5, 0.6), (-0.5, 0.6)]
    brush.shape([(x + s * a, y + s * b) for a, b in anvil], (70, 70, 80))
    angle = np.deg2rad(actor.pose[step])
    pivot_x, pivot_y = x + s * 1.6, y - s * 0.3
    head_x, head_y = pivot_x - np.cos(angle) * s * 1.6, pivot_y - np.sin(angle) * s * 1.6
    brush.line(pivot_x, pivot_y, head_x, head_y, (140, 90, 40), 1.5)
    across_x, across_y = -np.sin(angle) * s, np.cos(angle) * s
    brush.line(
        head_x - across_x * 0.45,
        head_y - across_y * 0.35,
        head_x + across_x * 0.3,
        head_y + across_y * 0.2,
        (190, 190, 200),
        3.5,
    )


def _footsteps(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s = actor.x[step], actor.y[step], actor.size[step]
    swing = np.sin(np.pi * actor.pose[step]) * s * 0.45
    brush.line(x, y - s, x + swing, y, (30, 30, 50), 1.5)
    brush.line(x, y - s, x - swing, y, (50, 50, 80), 1.5)
    brush.line(x, y - s * 2, x, y - s, actor.color, 2.5)
    brush.ellipse(x - s * 0.28, y - s * 2.5, x + s * 0.28, y - s * 1.95, (235, 195, 160))
    brush.line(x, y - s * 1.8, x - swing * 0.8, y - s * 1.1, actor.color, 1)


def _door(brush: Brush, actor: Actor, step: int, time_s: float) -> None:
    x, y, s, openness = actor.x[step], actor.y[step], actor.size[step], actor.pose[step]
    width, height = s * 1.1, s * 2.6
    brush.box(x - 1, y - height - 1, x + width + 1, y, (60, 45, 35))
    brush.box(x, y - height, x + width, y, (15, 12, 10))
    leaf = width * (1 - 0.75 * openness)
    corners = [(x, y - height), (x + leaf, y - height + openness * 3), (x + leaf, y + openness * 2), (x, y)]
    brush.shape(corners, actor.color)
    brush.ellipse(x + leaf * 0.85 - 1, y - height / 2 - 1, x + leaf * 0.85 + 1, y - height / 2 + 1, (240, 220, 60))


_DRAW: dict[str, Callable[[Brush, Actor, int, float], None]] = {
    "rain": _rain,
    "airplane": _airplane,
    "train": _train,
    "siren": _siren,
    "car": _car,
    "helicopter": _helicopter,
    "ball": _ball,
    "hammer": _hammer,
    "footsteps": _footsteps,
    "door": _door,
}
