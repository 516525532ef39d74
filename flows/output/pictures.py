"""A shot on one small picture: what was on the screen, how surely its sound was seen there, and how the take sounds.

title        sh0140  footsteps on gravel  confidence 0.42
strip        six pictures, each over the time it is from
curve        how surely it was seen, the threshold as a dashed line, the stretches that sound in colour
sound        the spectrogram of the take, low at the bottom
seconds      of the take, the same for all rows
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flows.work.boundary import Failure, attempt
from pipeline.curve import DetectionCurve
from pipeline.decode import decode_span
from pipeline.records import MediaSpan
from pipeline.spectrogram import place_of, spectrogram

MOST_BYTES = 40_000
STRIP_PICTURES = 6

_WIDTH, _LEFT, _RIGHT = 560, 44, 8
_INNER = _WIDTH - _LEFT - _RIGHT
_TITLE, _STRIP, _CURVE, _SOUND, _AXIS, _GAP = 18, 76, 70, 96, 14, 4
_PAPER, _INK, _FAINT = (250, 250, 248), (34, 34, 38), (120, 120, 124)
_LINE, _ON, _BAD = (38, 88, 140), (206, 230, 214), (179, 55, 47)
# From silence to loud: paper, blue, red, black.
_LOUDNESS = np.array([_PAPER, (150, 178, 210), (58, 98, 160), (150, 40, 70), (20, 10, 20)], dtype=np.float64)
_COLOURS = (96, 64, 32, 16)
_BLOCK = 3  # pixels of a spectrogram's cell: few cells make a small file


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotView:
    """What a picture shows. `spans_s` are the stretches that sound; seconds count from the start of the take."""

    title: str
    span: MediaSpan
    curve: DetectionCurve | None = None
    spans_s: tuple[tuple[float, float], ...] = ()
    wav: Path | None = None
    remark: str = ""


def picture_of(view: ShotView) -> bytes | None:
    """The picture as a PNG of at most 40 kB; None when there is nothing to be shown but words."""
    duration_s = float(view.span.duration_s)
    strip = attempt(_strip, view.span)
    rows: list[tuple[int, Callable[[Image.Image, int], None]]] = []
    if not isinstance(strip, Failure):
        rows.append((_STRIP, lambda page, top: page.paste(strip, (_LEFT, top))))
    if curve := view.curve:
        rows.append((_CURVE, lambda page, top: _draw_curve(page, top, curve, view.spans_s, duration_s)))
    sound = None if view.wav is None else attempt(spectrogram, view.wav, _INNER // _BLOCK, _SOUND // _BLOCK)
    if sound is not None and not isinstance(sound, Failure):
        rows.append((_SOUND, lambda page, top: _draw_sound(page, top, sound)))
    return _png(_page(view, rows, duration_s)) if rows else None


def _page(
    view: ShotView, rows: Iterable[tuple[int, Callable[[Image.Image, int], None]]], duration_s: float
) -> Image.Image:
    """Title, rows, remark and the axis, one under the other."""
    rows = list(rows)
    height = _TITLE + sum(size + _GAP for size, _ in rows) + _AXIS + (_TITLE if view.remark else 0)
    page = Image.new("RGB", (_WIDTH, height), _PAPER)
    _text(page, (_LEFT, 2), view.title, _INK, size=12)
    top = _TITLE
    for size, draw in rows:
        draw(page, top)
        top += size + _GAP
    _draw_axis(page, top - _GAP, duration_s)
    if view.remark:
        _text(page, (_LEFT, height - _TITLE + 2), view.remark, _BAD, size=11)
    return page


def _strip(span: MediaSpan) -> Image.Image:
    """Six squares, each the picture in the middle of its sixth of the time. Raises MediaError."""
    times_s = (np.arange(STRIP_PICTURES) + 0.5) / STRIP_PICTURES * float(span.duration_s)
    pixels = decode_span(span, times_s=times_s, size=_STRIP).pixels
    strip = Image.new("RGB", (_INNER, _STRIP), _PAPER)
    for index, picture in enumerate(pixels):
        left = round((index + 0.5) * _INNER / STRIP_PICTURES - _STRIP / 2)
        strip.paste(Image.fromarray(picture), (left, 0))
    return strip


def _draw_curve(
    page: Image.Image, top: int, curve: DetectionCurve, spans_s: Iterable[tuple[float, float]], duration_s: float
) -> None:
    draw = ImageDraw.Draw(page)

    def across(seconds: float) -> float:
        return _LEFT + _INNER * min(1.0, max(0.0, seconds / duration_s))

    def down(value: float) -> float:
        return top + (_CURVE - 1) * (1 - value)

    for start_s, end_s in spans_s:
        draw.rectangle((across(start_s), top, across(end_s), top + _CURVE - 1), fill=_ON)
    for value in (0.0, 1.0):
        _text(page, (4, round(down(value)) - 6 + (4 if value else -4)), f"{value:.0f}", _FAINT)
    _dashed(draw, down(curve.threshold))
    _text(page, (4, round(down(curve.threshold)) - 6), f"{curve.threshold:.2f}", _INK)
    values = curve.values
    times_s = (np.arange(len(values)) + 0.5) * curve.duration_s / max(1, len(values))
    points = [(across(float(time_s)), down(float(value))) for time_s, value in zip(times_s, values, strict=True)]
    if len(points) > 1:
        draw.line(points, fill=_LINE, width=2)
    draw.rectangle((_LEFT, top, _LEFT + _INNER - 1, top + _CURVE - 1), outline=_FAINT)
    _text(page, (_LEFT + 4, top + 2), "how surely it was seen", _LINE)


def _dashed(draw: ImageDraw.ImageDraw, y: float) -> None:
    for left in range(_LEFT, _LEFT + _INNER, 8):
        draw.line((left, y, left + 4, y), fill=_INK)


def _draw_sound(page: Image.Image, top: int, loudness: NDArray[np.float64]) -> None:
    """`loudness` 0..1 (rows, columns), in steps: a few colours make a small file."""
    steps = np.round(loudness * 15) / 15 * (len(_LOUDNESS) - 1)
    low = np.minimum(steps.astype(int), len(_LOUDNESS) - 2)
    share = (steps - low)[..., None]
    colours = (_LOUDNESS[low] * (1 - share) + _LOUDNESS[low + 1] * share).astype(np.uint8)
    page.paste(Image.fromarray(colours).resize((_INNER, _SOUND), Image.Resampling.NEAREST), (_LEFT, top))
    ImageDraw.Draw(page).rectangle((_LEFT, top, _LEFT + _INNER - 1, top + _SOUND - 1), outline=_FAINT)
    for pitch_hz, name in ((100, "100 Hz"), (1000, "1 kHz"), (10_000, "10 kHz")):
        _text(page, (2, round(top + _SOUND * (1 - place_of(pitch_hz))) - 6), name, _FAINT)


def _draw_axis(page: Image.Image, top: int, duration_s: float) -> None:
    step_s = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300) if duration_s / step <= 10), 600)
    draw = ImageDraw.Draw(page)
    for index in range(int(duration_s / step_s) + 1):
        left = _LEFT + round(_INNER * index * step_s / duration_s)
        draw.line((left, top, left, top + 3), fill=_FAINT)
        if left < _WIDTH - 24:
            _text(page, (left + 2, top + 1), f"{index * step_s:g} s", _FAINT)


def _text(page: Image.Image, at: tuple[int, int], text: str, colour: tuple[int, int, int], size: int = 10) -> None:
    ImageDraw.Draw(page).text(at, text, fill=colour, font=ImageFont.load_default(size))


def _png(page: Image.Image) -> bytes:
    """With as many colours as fit into the file: drawings look the same with few, photographs do not."""
    for colours in _COLOURS:
        found = io.BytesIO()
        page.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            found, "PNG", optimize=True
        )
        if found.tell() <= MOST_BYTES:
            break
    return found.getvalue()
