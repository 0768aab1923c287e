"""What an InfoGAN says of an image, as the vector of codes that the metrics compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from infogan_tf.evaluation.disentanglement.samples import Represent

if TYPE_CHECKING:
    from infogan_tf.code_spec import CodeSpec
    from infogan_tf.model import InfoGAN


def representation(model: InfoGAN) -> Represent:
    """Images uint8 [n, *image_shape] to codes float32 [n, d], one dimension for each thing that can vary by itself.

    A continuous code gives its posterior means, a circular code its mean angle in radians, a Bernoulli code the
    probability of each bit, a categorical code the index of its likeliest category. So d counts variables: a category
    laid out as one-hot, or an angle as (cos, sin), would share its factor among several dimensions, which is what the
    gaps of MIG and SAP and the completeness of DCI punish. The price: the order of categories means nothing, and an
    angle jumps at ±π, so metrics that read codes linearly or by their variance understate these two kinds.
    """

    def represent(images: np.ndarray) -> np.ndarray:
        found = model.predict_on_batch(images.astype(np.float32) / 255)
        columns = []
        for code in model.codes:
            if code.kind == "categorical":
                columns.append(found[f"{code.name}_probs"].argmax(axis=1)[:, None].astype(np.float32))
            else:
                columns.append(found[f"{code.name}_{'probs' if code.kind == 'bernoulli' else 'mean'}"])
        return np.concatenate(columns, axis=1)

    return represent


def code_names(codes: CodeSpec) -> tuple[str, ...]:
    """What each dimension of `representation` is called: the code's name, numbered if it has several."""
    names: list[str] = []
    for code in codes:
        dim = getattr(code, "dim", 1)
        names += [code.name] if dim == 1 else [f"{code.name}_{i}" for i in range(dim)]
    return tuple(names)
