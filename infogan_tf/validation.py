"""Checks on what a user gives, made before any work starts; each raises one ValueError that names the culprit."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from infogan_tf import views
from infogan_tf.augmentation import RandomView
from infogan_tf.code_spec import CodeSpec
from infogan_tf.views import OwnViews

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def check_image_shape(image_shape: Any) -> tuple[int, int, int]:
    """`image_shape` as three integers from 1 up."""
    shape = tuple(image_shape)
    if len(shape) != 3 or not all(isinstance(size, numbers.Integral) and size > 0 for size in shape):
        raise ValueError(f"image_shape must be (height, width, channels), as (28, 28, 1), got {image_shape}")
    return tuple(map(int, shape))


def check_own_networks(**networks: keras.Model | None) -> None:
    """The shapes of each are known."""
    for name, network in networks.items():
        try:
            _ = network is None or (network.input_shape, network.output_shape)
        except (AttributeError, ValueError):
            raise ValueError(
                f"{name} must be a functional model, or a Sequential one that begins with an Input, so that its "
                f"shapes are known; got {type(network).__name__}"
            ) from None


def check_networks(model: InfoGAN) -> None:
    """Each network takes and gives what the others need."""
    features = model.trunk.output_shape
    if len(features) != 2:
        raise ValueError(f"trunk must give features [batch, any], got {features}")
    pairs = {"generator": ("z", "c"), "contrast_head": ("features", "features")}
    expected = {
        "generator": ([model.noise_size, model.codes.size], model.image_shape),
        "trunk": (model.image_shape, features[1:]),
        "discriminator_head": (features[1:], (1,)),
        "posterior_head": (features[1:], (model.codes.num_parameters,)),
    }
    if model.recognition:
        expected["recognition"] = (model.image_shape, (model.codes.num_parameters,))
    if model.contrast_head:
        expected["contrast_head"] = ([features[1]] * 2, (len(model.codes.factors),))
    for name, (inputs, outputs) in expected.items():
        network = getattr(model, name)
        if tuple(network.output_shape[1:]) != tuple(outputs):
            raise ValueError(f"{name} must give [batch, {_join(outputs)}], but its output is {network.output_shape}")
        if name in pairs:
            if network.input_shape != [(None, size) for size in inputs]:
                wanted = " and ".join(f"{what} [batch, {size}]" for what, size in zip(pairs[name], inputs, strict=True))
                why = " (noise_size and the codes' size)" if name == "generator" else ""
                raise ValueError(f"{name} must take {wanted}{why}, but its inputs are {network.input_shape}")
        elif tuple(network.input_shape[1:]) != tuple(inputs):
            raise ValueError(f"{name} must take [batch, {_join(inputs)}], but its input is {network.input_shape}")


def resolve_lambdas(codes: CodeSpec, lambdas: float | Mapping[str, float] | None) -> dict[str, float]:
    """λ of each code: given for all, given by name, or the kind's default."""
    by_name = lambdas if isinstance(lambdas, Mapping) else {}
    unknown = set(by_name) - {code.name for code in codes}
    if unknown:
        raise ValueError(
            f"lambda names no code: {', '.join(sorted(unknown))}; codes are {', '.join(c.name for c in codes)}"
        )
    common = {} if lambdas is None or by_name is lambdas else {c.name: lambdas for c in codes}
    try:
        resolved = {c.name: float({**common, **by_name}.get(c.name, c.default_lambda)) for c in codes}
    except TypeError:
        raise ValueError(f"lambdas must be one number, or numbers by the codes' names, got {lambdas}") from None
    for name, value in resolved.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"lambda of {name!r} must be a number from 0 up, got {value}")
    return resolved


def check_from_epoch(codes: CodeSpec, from_epoch: Mapping[str, int]) -> None:
    """Codes that begin later are codes that there are."""
    names = {code.name for code in codes}
    unknown = set(from_epoch) - names
    if unknown:
        raise ValueError(
            f"lambdas_from_epoch names no code: {', '.join(sorted(unknown))}; codes are {', '.join(sorted(names))}"
        )


def check_optimizers(*optimizers: Any, **others: Any) -> None:
    """Three different ones, and no fourth; nor losses and metrics."""
    if "optimizer" in others:
        raise ValueError(
            "InfoGAN has no optimizer, but discriminator_optimizer, generator_optimizer and recognition_optimizer"
        )
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        if others.get(name) is not None:
            raise ValueError(f"InfoGAN has its own losses and metrics, and takes no {name}")
    objects = [id(one) for one in optimizers if isinstance(one, keras.optimizers.Optimizer)]
    if len(set(objects)) < len(objects):
        raise ValueError("each of the optimizers must be an object of its own: it keeps the state of its variables")


def check_jit(jit_compile: bool | str, augmentations: list[keras.layers.Layer]) -> None:
    """XLA has what the augmentations need."""
    drawn = [layer for augmentation in augmentations for layer in views.layers(augmentation)]
    if jit_compile is True and any(isinstance(layer, RandomView) for layer in drawn):
        raise ValueError(
            "RandomView has no XLA kernel: leave jit_compile at 'auto', or use neither augmentation nor "
            "recognition_augmentation"
        )


def check_weights(model: InfoGAN, **to_come: Any) -> None:
    """Weights of losses, the model's or those `to_come`, are from 0 up, and what the losses need is there."""
    weights = {name: to_come.get(name, getattr(model, name)) for name in ("contrast_weight", "wake_weight")}
    for name, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ValueError(f"{name} must be a number from 0 up, got {weight}")
    if weights["contrast_weight"] and not model.contrast_head:
        raise ValueError("contrast_weight needs a contrast_head: InfoGAN(..., contrast_head=True)")
    augmentation = model.recognition_augmentation or model.augmentation
    if weights["wake_weight"] and not (model.codes.categorical and augmentation):
        raise ValueError("wake_weight needs a categorical code and an augmentation, for example RandomView()")
    if weights["wake_weight"] and isinstance(augmentation, OwnViews):
        raise ValueError("wake_weight needs one recognition_augmentation for all images, not OwnViews")
    if weights["wake_weight"] and getattr(augmentation, "normalizes", False):
        raise ValueError("wake_weight needs a recognition_augmentation without centre, fill and blur")


def check_wake(alignment: Any, radius: float) -> None:
    """Numbers from 0 up; of the alignment, if it is no schedule."""
    for name, value in {"wake_alignment": 0.0 if callable(alignment) else alignment, "wake_radius": radius}.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be a number from 0 up, got {value}")


def check_instance_noise(stddev: float, end_stddev: float, steps: int) -> None:
    """A standard deviation from 0 up, another at most as large, and the steps from one to the other."""
    if not 0 <= stddev < float("inf"):
        raise ValueError(f"instance_noise_stddev must be a number from 0 up, got {stddev}")
    if not 0 <= end_stddev <= stddev:
        raise ValueError(
            f"instance_noise_end_stddev must be from 0 to instance_noise_stddev, {stddev}, got {end_stddev}"
        )
    if steps < 1:
        raise ValueError(f"instance_noise_steps must be 1 or more, got {steps}")


def check_data(data: Any, image_shape: tuple[int, int, int]) -> None:
    """The images and labels of arrays, or of the first batch of a `tf.data.Dataset`."""
    if isinstance(data, tf.data.Dataset):
        images, *_ = data.element_spec if isinstance(data.element_spec, tuple | list) else (data.element_spec,)
        if not isinstance(images, tf.TensorSpec):
            raise ValueError(f"a dataset must give images or (images, labels), this one gives {data.element_spec}")
        if images.shape.rank is not None and not images.shape[1:].is_compatible_with(image_shape):
            raise ValueError(_shape_message(images.shape, image_shape))
        data = next(iter(data.take(1)), np.empty((0, *image_shape)))
    images, labels, *_ = (*data, None) if isinstance(data, tuple | list) else (data, None)
    if isinstance(images, np.ndarray | tf.Tensor):
        if not len(images):
            raise ValueError("there are no images (where a dataset drops the remainder, its batches may be too large)")
        check_images(np.asarray(images), image_shape)
    if isinstance(labels, np.ndarray | tf.Tensor) and labels.ndim != 1 and tuple(labels.shape[1:]) != (1,):
        raise ValueError(f"labels must be integers [batch], one for each image, got {list(labels.shape)}")


def check_views(model: InfoGAN) -> None:
    """Own views are of codes that there are."""
    names = {code.name for code in model.codes}
    for view in (model.augmentation, model.recognition_augmentation):
        unknown = set(view.views) - names if isinstance(view, OwnViews) else set()
        if unknown:
            raise ValueError(
                f"an augmentation names no code: {', '.join(sorted(unknown))}; codes are {', '.join(sorted(names))}. "
                "Give one for these codes, or none"
            )


def check_last_batch(num_images: int, batch_size: int, model: InfoGAN) -> None:
    """Each replica has an image of it for each view, and a pair where pairs are compared: means over none were NaN."""
    replicas, last = model.distribute_strategy.num_replicas_in_sync, num_images % batch_size or batch_size
    augmentations = [view for view in (model.augmentation, model.recognition_augmentation) if view]
    least = max(2 if model.contrast_head else 1, *(len(views.layers(view)) for view in augmentations), 1)
    if last % replicas or last < least * replicas:
        devices = f"each of {replicas} devices needs equally many, and {least} or more" if replicas > 1 else ""
        raise ValueError(
            f"with {num_images} images and batch_size {batch_size} the last batch is of {last}, but "
            f"{devices or f'it needs {least} or more'}; choose another batch_size"
        )


def check_images(images: np.ndarray, image_shape: tuple[int, int, int]) -> None:
    """Batches of `image_shape` with values in [0, 1]."""
    if images.ndim != 4 or images.shape[1:] != tuple(image_shape):
        raise ValueError(_shape_message(images.shape, image_shape))
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 1.0)
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"image values must be in [0, 1], found {low:g} to {high:g}"
            + ("; divide 8-bit images by 255" if 1 < high <= 255 and low >= 0 else "")
        )


def batch_size(z: Any, c: Any, n: int | None) -> int:
    """The one batch size that z, c and n agree on."""
    if n is not None and not isinstance(n, numbers.Integral):
        raise ValueError(f"n must be an integer, got {n}")
    sizes = {name: len(value) for name, value in (("z", z), ("c", c)) if value is not None}
    if n is not None:
        sizes["n"] = n
    if len(set(sizes.values())) > 1:
        raise ValueError("sizes differ: " + ", ".join(f"{name} has {size}" for name, size in sizes.items()))
    size = next(iter(sizes.values()), 1)
    if size < 1:
        raise ValueError(f"n must be 1 or more, got {size}")
    return size


def as_matrix(name: str, value: Any, width: int) -> tf.Tensor:
    """`value` as a float32 tensor [n, width]."""
    matrix = np.asarray(value, np.float32)
    if matrix.ndim != 2 or matrix.shape[1] != width:
        raise ValueError(f"{name} must be [n, {width}], got {list(matrix.shape)}")
    return tf.constant(matrix)


def _shape_message(shape: Any, image_shape: tuple[int, int, int]) -> str:
    return f"images must be [batch, {_join(image_shape)}], got {list(shape)}"


def _join(sizes: Any) -> str:
    return ", ".join(map(str, sizes))
