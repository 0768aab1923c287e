"""Real images that show what a code means, and how its categories stand to labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from infogan_tf import pictures
from infogan_tf.codes import Code
from infogan_tf.datasets import ImageSet
from infogan_tf.evaluation import clustering
from infogan_tf.page.data_uri import png

IMAGES_IN_A_ROW = 12


def of_each_category(probs: np.ndarray, count: int = IMAGES_IN_A_ROW) -> list[np.ndarray]:
    """For each category the images that Q puts there (argmax), the most probable first.

    Args:
        probs: Q(c|x) of a categorical code, [images, categories].
        count: How many at most.

    Returns:
        For each category the numbers of its images, [at most count].
    """
    categories = probs.argmax(axis=1)
    order = np.argsort(-probs.max(axis=1), kind="stable")
    return [order[categories[order] == category][:count] for category in range(probs.shape[1])]


def from_low_to_high(values: np.ndarray, count: int = IMAGES_IN_A_ROW) -> np.ndarray:
    """The numbers [at most count] of images in equal steps of rank, from the lowest value [images] to the highest."""
    order = np.argsort(values, kind="stable")
    steps = np.linspace(0, len(order) - 1, min(count, len(order)))
    return order[steps.round().astype(int)]


def categories(code: Code, probs: np.ndarray, data: ImageSet) -> dict[str, Any]:
    """What the page shows of a categorical code.

    Args:
        code: The code.
        probs: Q(c|x), [images, categories].
        data: The images, and labels or none.

    Returns:
        `name`; `rows`: for each category its `label` (the one matched with it, or None), the number of its `images`,
        and a picture as `src` with the number of images `shown`.
    """
    sizes = np.bincount(probs.argmax(axis=1), minlength=code.num_classes)
    labels: list[str | None] = [None] * code.num_classes
    if data.labels is not None:
        matched = clustering.match(_table(code, probs, data))
        labels = [data.label_names[label] if label >= 0 else None for label in matched]
    rows = [
        {"label": label, "images": int(size), **_picture(data, chosen)}
        for label, size, chosen in zip(labels, sizes, of_each_category(probs), strict=True)
    ]
    return {"name": code.name, "rows": rows}


def numbers(code: Code, inferred: Mapping[str, np.ndarray], data: ImageSet) -> list[dict[str, Any]]:
    """What the page shows of any other code: a row for each of its dimensions, with a picture from low to high."""
    values = inferred[f"{code.name}_{'probs' if code.kind == 'bernoulli' else 'mean'}"]
    return [
        {
            "title": f"{code.name}[{dim}]" if values.shape[1] > 1 else code.name,
            "low": column.min(),
            "high": column.max(),
            **_picture(data, from_low_to_high(column)),
        }
        for dim, column in enumerate(values.T)
    ]


def confusion(code: Code, probs: np.ndarray, data: ImageSet) -> dict[str, Any]:
    """Images of a categorical code by label and category.

    Returns:
        `name`; `order`: the categories, those first that match a label, in the labels' order; `rows`: for each label
        its name as `label`, its `counts` in that order, and their `total`.
    """
    table = _table(code, probs, data)
    matched = clustering.match(table)
    order = sorted(range(code.num_classes), key=lambda category: (matched[category] < 0, matched[category]))
    rows = [
        {"label": name, "counts": counts[order].tolist(), "total": int(counts.sum())}
        for name, counts in zip(data.label_names, table, strict=True)
    ]
    return {"name": code.name, "order": order, "rows": rows}


def _table(code: Code, probs: np.ndarray, data: ImageSet) -> np.ndarray:
    return clustering.contingency_table(data.labels, probs.argmax(axis=1), len(data.label_names), code.num_classes)


def _picture(data: ImageSet, chosen: np.ndarray) -> dict[str, Any]:
    src = png(pictures.tile(data.images[chosen][None] / 255)) if len(chosen) else None
    return {"src": src, "shown": len(chosen)}
