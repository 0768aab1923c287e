"""Traversals as PNG figures and animated GIFs; what codes know of factors as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from infogan_tf.files import replaced_file
from infogan_tf.traversal import Traversal


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as uint8."""
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def tile(images: np.ndarray, gap: int = 1) -> np.ndarray:
    """One picture, uint8 [H, W] or [H, W, 3], of images [rows, columns, height, width, channels] in [0, 1].

    Of images that are neither gray nor RGB it shows the first channel.
    """
    images = images if images.shape[-1] in (1, 3) else images[..., :1]
    rows, columns, height, width, channels = images.shape
    canvas = np.full((rows, height + gap, columns, width + gap, channels), 255, np.uint8)
    canvas[:, :height, :, :width] = as_bytes(images).transpose(0, 2, 1, 3, 4)
    picture = canvas.reshape(rows * (height + gap), columns * (width + gap), channels)
    picture = picture[: len(picture) - gap, : picture.shape[1] - gap]
    return picture[..., 0] if channels == 1 else picture


def save_traversals(traversals: Sequence[Traversal], path: Path) -> None:
    """All grids beside each other in one PNG, with the code's value under each column."""
    figure = Figure(figsize=(5 * len(traversals), 5.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, traversal in zip(figure.subplots(1, len(traversals), squeeze=False)[0], traversals, strict=True):
        picture = tile(traversal.images)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        step = (picture.shape[1] + 1) / len(traversal.labels)
        axes.set_xticks(step * (np.arange(len(traversal.labels)) + 0.5), traversal.labels, fontsize=8)
        axes.set_yticks([])
        axes.tick_params(length=0)
        axes.set_frame_on(False)
        axes.set_title(traversal.title)
    with replaced_file(path) as temporary:
        figure.savefig(temporary, bbox_inches="tight", pad_inches=0.1)


def save_gif(traversal: Traversal, path: Path, scale: int = 2, milliseconds: int = 120) -> None:
    """The rows side by side as an animation over the code's values, there and back."""
    frames = []
    for column in range(traversal.images.shape[1]):
        frame = tile(traversal.images[None, :, column])
        frames.append(Image.fromarray(frame).resize((frame.shape[1] * scale, frame.shape[0] * scale)))
    frames += frames[-2:0:-1]
    with replaced_file(path) as temporary:
        frames[0].save(temporary, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)


def save_mutual_information(
    matrix: np.ndarray, code_names: Sequence[str], factor_names: Sequence[str], path: Path
) -> None:
    """A heat map, codes down and factors across, of shares [codes, factors] of each factor's entropy, 0 to 1."""
    figure = Figure(figsize=(2.5 + 0.8 * len(factor_names), 1.5 + 0.5 * len(code_names)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    cells = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(factor_names)), factor_names, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(code_names)), code_names)
    for (code, factor), share in np.ndenumerate(matrix):
        axes.text(factor, code, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.5 else "black")
    figure.colorbar(cells, label="I(code; factor) / H(factor)")
    with replaced_file(path) as temporary:
        figure.savefig(temporary)
