"""`infogan-train`: flags over `infogan_tf.training.train`. TensorFlow loads only once the flags are in order."""

from __future__ import annotations

import logging
import os
import sys

from absl import flags

from infogan_tf import presets
from infogan_tf.cli import define_path, run_app
from infogan_tf.config import ADVERSARIAL_LOSSES, JIT, PRECISIONS, STRATEGIES, TrainingConfig

FLAGS = flags.FLAGS

WORKDIR = define_path("workdir", None, "Folder of the run. Start the same command again to continue it.")
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Delete another run that --workdir holds.")
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    STRATEGIES,
    "mirrored: all GPUs of this machine. multi_worker: this is one process of those that TF_CONFIG lists.",
)
LAMBDA = flags.DEFINE_list(
    "lambda",
    None,
    "Weight of L_I for each code, as digit:1,slant:0.1. Codes that are left out: 1 for discrete, 0.1 for continuous.",
)
LAMBDA_FROM_EPOCH = flags.DEFINE_list(
    "lambda_from_epoch",
    None,
    "First epoch, from 0, in which L_I of a code counts, as rotation:3,shape:7; of codes that are left out, or of all "
    "with none: 0. Default: the preset's.",
)
AUGMENTATION = flags.DEFINE_list(
    "augmentation",
    None,
    "Random views that discrete codes are read through, as rotation:0.2,shear:0.2,scale:0.1,shift:0.07 "
    "(see infogan_tf.augmentation; a part that is left out is 0), or none. Or codes each through its own, as "
    "shape.rotation:3.14,shape.shift:0.2,x.shift_y:0.3. Default: the preset's. The recognition phase has its own.",
)
RECOGNITION_AUGMENTATION = flags.DEFINE_list(
    "recognition_augmentation",
    None,
    "The same for the recognition phase, as rotation:0.3,erase:0.5; none: as --augmentation. Default: the preset's.",
)

LIST_PRESETS = flags.DEFINE_bool("list_presets", False, "Show the presets, train nothing.")

flags.DEFINE_enum("preset", "mnist", list(presets.PRESETS), "Source of every value that no flag sets.")
flags.DEFINE_string(
    "dataset",
    None,
    "mnist_5k, sprites, sprites_color, a name of tensorflow-datasets such as svhn_cropped, or folder:/path, "
    "npz:/path.npz, tfrecord:/path-*.tfrecord. Default: the preset's.",
)
flags.DEFINE_bool("strict", False, "Stop if a file of a folder cannot be read; without it, leave such files out.")
define_path("data_dir", None, "Where tensorflow-datasets keeps its data. Default: ~/tensorflow_datasets.")
flags.DEFINE_string("train_split", "train", "Split to train on, as in tensorflow-datasets: train[:55000], train[:90%].")
flags.DEFINE_string("validation_split", None, "Split to evaluate on after each epoch, for example train[55000:].")
flags.DEFINE_string("codes", None, "Latent codes, as digit:categorical(10),slant:uniform. Default: the preset's.")
flags.DEFINE_integer("noise_size", None, "Width of the noise z. Default: the preset's.", lower_bound=1)
flags.DEFINE_integer("batch_size", None, "Images per step, over all devices. Default: the preset's.", lower_bound=2)
flags.DEFINE_integer(
    "epochs",
    None,
    "Epochs in all, those before an interruption included; few shorten the recognition phase. Default: the preset's.",
    lower_bound=1,
)
flags.DEFINE_integer("steps_per_epoch", None, "Steps per epoch. Default: the preset's, or once through.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Of weights, noise, codes and the order of images.", lower_bound=0)
flags.DEFINE_float(
    "discriminator_learning_rate",
    None,
    "Adam's, for trunk and D's head. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float("generator_learning_rate", None, "Adam's, for G and Q's head. Default: the preset's.", lower_bound=0)
flags.DEFINE_enum("adversarial_loss", "non_saturating", ADVERSARIAL_LOSSES, "Loss of D and G.")
flags.DEFINE_integer(
    "decay_epochs",
    None,
    "Epochs before the recognition phase, over which both rates fall to 0. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "recognition_epochs",
    None,
    "Last epochs, in which a new network that reads codes learns alone. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float(
    "recognition_learning_rate",
    None,
    "Adam's in the recognition epochs, falling to 0. Default: 0.001.",
    lower_bound=0,
)
flags.DEFINE_float(
    "wake_weight",
    None,
    "Weight of what is learned from real images in the recognition epochs. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float(
    "wake_alignment",
    None,
    "With wake_weight: pull of the categories' shares to the prior, at first. Default: 2.",
    lower_bound=0,
)
flags.DEFINE_float(
    "wake_radius",
    None,
    "With wake_weight: length of the adversarial step on a real image. Default: 1.2.",
    lower_bound=0,
)
flags.DEFINE_float(
    "contrast_weight",
    None,
    "Weight of InfoGAN-CR's contrastive loss, for G. Default: the preset's, or 0.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "contrast_from_epoch",
    None,
    "First epoch, from 0, of the contrastive loss for G. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "starts",
    None,
    "Begin so many times, with different seeds; the one whose categories are most stable goes on. Default: the "
    "preset's, or 1.",
    lower_bound=1,
)
flags.DEFINE_integer("start_epochs", None, "Epochs of each start. Default: the preset's, or 1.", lower_bound=1)
flags.DEFINE_bool("deterministic", False, "Same seed, same bits on the same machine; by default in float32.")
flags.DEFINE_bool("information_in_discriminator", None, "Also add -lambda L_I to D's loss. Default: the preset's.")
flags.DEFINE_integer(
    "information_in_discriminator_from_epoch",
    None,
    "First epoch, from 0, of L_I in D's loss. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float(
    "instance_noise_stddev",
    None,
    "Standard deviation of the noise on all images that D sees, at the first step. Default: the preset's.",
    lower_bound=0,
)
flags.DEFINE_float(
    "instance_noise_end_stddev",
    None,
    "Standard deviation of the noise that stays. Default: the preset's, or 0.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "instance_noise_steps",
    None,
    "Steps in which the instance noise falls to that. Default: the preset's.",
    lower_bound=1,
)
flags.DEFINE_enum(
    "precision",
    "auto",
    PRECISIONS,
    "auto: the faster of float32 and mixed_bfloat16 here; float32 with --deterministic and on several workers.",
)
flags.DEFINE_enum("jit", "auto", JIT, "Compile the step with XLA. auto: on a GPU, without augmentations.")
flags.DEFINE_integer(
    "steps_per_execution", 1, "Steps between two looks at the losses; must divide those of an epoch.", lower_bound=1
)
flags.DEFINE_integer("gradient_accumulation_steps", None, "Steps that share one update. Default: 1.", lower_bound=2)
flags.DEFINE_bool("sync_batch_norm", False, "Take batch statistics over all devices, not each over its own part.")

AUGMENTATION_PARTS = (
    "rotation", "shear", "scale", "shift", "erase", "gamma", "shift_x", "shift_y", "centre", "fill", "blur",
)  # fmt: skip

CONFIG_FLAGS = (
    "dataset", "data_dir", "strict", "train_split", "validation_split", "codes", "noise_size", "batch_size", "epochs",
    "steps_per_epoch", "seed", "discriminator_learning_rate", "generator_learning_rate", "adversarial_loss",
    "information_in_discriminator", "precision", "jit", "steps_per_execution", "gradient_accumulation_steps",
    "sync_batch_norm", "decay_epochs", "recognition_epochs", "recognition_learning_rate", "wake_weight",
    "wake_alignment", "wake_radius", "contrast_weight", "contrast_from_epoch", "deterministic", "instance_noise_stddev",
    "instance_noise_end_stddev", "instance_noise_steps", "information_in_discriminator_from_epoch",
    "starts", "start_epochs",
)  # fmt: skip

flags.register_multi_flags_validator(
    ["workdir", "list_presets"],
    lambda given: given["workdir"] or given["list_presets"],
    "--workdir is needed: the folder of the run",
)


def _numbers(items: list[str] | None) -> dict[str, float] | None:
    """NAME:NUMBER items as a dict; `none` is an empty one, and no flag is None."""
    if items is None or items == ["none"]:
        return {} if items else None
    return {name.strip(): float(value) for name, value in (item.split(":") for item in items)}


def _epochs(items: list[str] | None) -> dict[str, int] | None:
    numbers = _numbers(items)
    return numbers and {name: int(number) for name, number in numbers.items()}


def _are_numbers(items: list[str] | None) -> bool:
    try:
        return len(_numbers(items) or {}) == len(items or []) or items == ["none"]
    except ValueError:
        return False


def _are_amounts(amounts: dict[str, float]) -> bool:
    codes, parts = zip(*(name.rpartition(".")[::2] for name in amounts), strict=True) if amounts else ((), ())
    return set(parts) <= set(AUGMENTATION_PARTS) and (all(codes) or not any(codes))


flags.register_validator("lambda", _are_numbers, "expected NAME:NUMBER,NAME:NUMBER as in digit:1,slant:0.1")
flags.register_validator(
    "lambda_from_epoch",
    lambda items: (
        _are_numbers(items) and all(number >= 0 and number % 1 == 0 for number in (_numbers(items) or {}).values())
    ),
    "expected NAME:EPOCH,NAME:EPOCH as in rotation:3,shape:7, or none",
)
for name in ("augmentation", "recognition_augmentation"):
    flags.register_validator(
        name,
        lambda items: _are_numbers(items) and _are_amounts(_numbers(items) or {}),
        f"expected NAME:NUMBER,NAME:NUMBER with NAME one of {', '.join(AUGMENTATION_PARTS)}, or all of them CODE.NAME, "
        "or none",
    )


def config_from_flags() -> TrainingConfig:
    """The run that the flags describe."""
    return TrainingConfig.from_preset(
        FLAGS.preset,
        lambdas=_numbers(LAMBDA.value),
        lambdas_from_epoch=_epochs(LAMBDA_FROM_EPOCH.value),
        augmentation=_numbers(AUGMENTATION.value),
        recognition_augmentation=_numbers(RECOGNITION_AUGMENTATION.value),
        **{name: FLAGS[name].value for name in CONFIG_FLAGS},
    )


def _main() -> None:
    if LIST_PRESETS.value:
        from infogan_tf.cli import preset_table  # noqa: PLC0415 - builds networks

        preset_table.show()
        return
    config = config_from_flags()
    import tensorflow as tf  # noqa: PLC0415 - only once the flags are in order

    from infogan_tf.training import train  # noqa: PLC0415

    try:
        train(config, WORKDIR.value, overwrite=OVERWRITE.value, strategy=STRATEGY.value)
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        if STRATEGY.value != "multi_worker":
            raise
        # TensorFlow cannot go on without a worker that it has lost, nor let it in again: a new process can, and
        # goes on from the last checkpoint once that worker is back.
        logging.warning("lost another worker, starting again: %s", str(error).splitlines()[0])
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], "--nooverwrite"])  # the last word counts


def main() -> None:
    """Entry point of `infogan-train`."""
    run_app(_main)


if __name__ == "__main__":
    main()
