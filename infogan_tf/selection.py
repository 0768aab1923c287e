"""Which of several runs is best, told from models and unlabelled images alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special
from sklearn.metrics import normalized_mutual_info_score

from infogan_tf import views

if TYPE_CHECKING:
    import keras

    from infogan_tf.model import InfoGAN


def stable_information(model: InfoGAN, images: np.ndarray, batch_size: int = 500) -> float:
    """I(k; k') in nats, of the categories k ~ Q(c|x) and k' ~ Q(c|T(x)) of a real image and of its deformed copy.

    It is high where categories are balanced (at most ln K), where Q is sure of them, and where a small deformation T
    does not change them (Ji et al., 2019, eq. 3). The sum over the categorical codes.

    Args:
        model: With an augmentation T, else with one of its recognition phase.
        images: uint8 [n, height, width, channels].
        batch_size: Images at a time.

    Raises:
        ValueError: The model has neither, or no categorical code; images of another dtype.
    """
    if not can_score(model):
        raise ValueError("this score needs a model with a categorical code and an augmentation")
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8, got {images.dtype}")
    deform = _deformation(model)
    state = [variable.numpy() for variable in deform.variables]
    joints = dict.fromkeys(model.codes.categorical, 0.0)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size].astype(np.float32) / 255
        # Of T(x) nothing is normalised again: Q reads it as in training.
        seen, deformed = model(batch), model.codes.infer(model.read(deform(batch, training=True)))
        for name in joints:
            joints[name] += seen[f"{name}_probs"].numpy().T.astype(float) @ deformed[f"{name}_probs"].numpy()
    # A look changes nothing: training draws its views as if there had been none.
    for variable, value in zip(deform.variables, state, strict=True):
        variable.assign(value)
    return sum(_mutual_information((joint + joint.T) / 2) for joint in joints.values())


def can_score(model: InfoGAN) -> bool:
    """Whether `stable_information` has what it needs."""
    return bool(model.codes.categorical) and _deformation(model) is not None


def _deformation(model: InfoGAN) -> keras.layers.Layer | None:
    """T of the first categorical code."""
    code = model.codes[model.codes.categorical[0]]
    return views.of_code(model.augmentation, code) or views.of_code(model.recognition_augmentation, code)


def categories(model: InfoGAN, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """The most probable category of each image [n] under the first categorical code."""
    name = model.codes.categorical[0]
    parts = (images[start : start + batch_size].astype(np.float32) / 255 for start in range(0, len(images), batch_size))
    return np.concatenate([model(part)[f"{name}_probs"].numpy().argmax(axis=1) for part in parts])


def _mutual_information(joint: np.ndarray) -> float:
    joint = joint / joint.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    return float(special.rel_entr(joint, independent).sum())


def agreement(categories: list[np.ndarray]) -> list[float]:
    """How well each run's categories of the same images agree with every other run's: mean NMI.

    What many runs find, from different starts, is in the data (ModelCentrality: Lin et al., 2020, section 4).

    Args:
        categories: Integers [n] of each run.
    """
    pairs = np.array([[normalized_mutual_info_score(a, b) for b in categories] for a in categories])
    return [float(np.delete(row, i).mean()) if len(row) > 1 else float("nan") for i, row in enumerate(pairs)]
