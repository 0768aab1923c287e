"""One training run in a workdir: `config.json`, `checkpoints/`, `metrics.csv`, `pictures/`, `model.keras`."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from infogan_tf import datasets, distribution, precision, selection, starts, views, workdirs
from infogan_tf.callbacks import (
    Checkpoints,
    Duration,
    Lambdas,
    Recognition,
    StableInformation,
    StopOnNonFinite,
    SwitchOn,
    Throughput,
    TraversalPictures,
    list_checkpoints,
)
from infogan_tf.config import TrainingConfig
from infogan_tf.evaluation.clustering import MAX_LABELS
from infogan_tf.files import replaced_file
from infogan_tf.model import InfoGAN
from infogan_tf.optimizers import Adam, FallingRate
from infogan_tf.validation import check_from_epoch, check_last_batch

logger = logging.getLogger(__name__)

FEW_STEPS = 100  # of an epoch; presets have from 200 up


def train(config: TrainingConfig, workdir: str | Path, *, overwrite: bool = False, strategy: str = "none") -> InfoGAN:
    """Trains to `config.epochs`, from the workdir's last checkpoint if it has one.

    A run that was interrupted and one that was not see the same images, noise and codes from that checkpoint on,
    whatever the strategy.

    Args:
        config: The run.
        workdir: Its folder; made if needed. Processes of one run share it, and its chief writes to it.
        overwrite: Start again in a workdir that holds another run, deleting that, but nothing else that is there.
        strategy: See `distribution.strategy`.

    With `config.deterministic` TensorFlow stays deterministic for the rest of the process.

    Returns:
        The trained model, which is also in `WORKDIR/model.keras`.

    Raises:
        ValueError: The workdir holds a run of another config, or the config does not fit the data, the model (several
            starts need a categorical code and an augmentation) or the strategy.
        DatasetUnavailableError: The data set can be neither read nor downloaded.
        TrainingDivergedError: A loss became NaN or infinite.
    """
    if strategy == "multi_worker" and config.validation_split:
        # Keras (3.15) cannot evaluate batches of varying size on several workers.
        raise ValueError("no validation_split with strategy multi_worker: run infogan-evaluate afterwards")
    if strategy == "multi_worker" and config.starts > 1:
        raise ValueError("several starts do not work with strategy multi_worker: set starts to 1")
    return _train(config, Path(workdir), config.epochs, overwrite, strategy)


def _train(config: TrainingConfig, workdir: Path, last_epoch: int, overwrite: bool, strategy: str) -> InfoGAN:
    """`train`, but no further than to `last_epoch`, as if interrupted there."""
    used = distribution.strategy(strategy)
    chief = distribution.is_chief(used)
    if chief:
        workdirs.check(workdir, config, overwrite)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    # The model before the data: a mistake in the codes shows before anything is read, downloaded or deleted.
    keras.utils.set_random_seed(config.seed)
    saved = [] if overwrite else list_checkpoints(workdir / "checkpoints")
    with used.scope():
        model, epoch = _resume(*saved[-1]) if saved else (build(config), 0)
    model.steps_per_execution = config.steps_per_execution
    _check_model(config, model)
    if epoch > config.epochs:
        raise ValueError(f"{workdir} has already completed {epoch} epochs, more than the {config.epochs} asked for")
    images, validation = _data(config, used)
    steps = _steps(config, len(images))
    _set_rates(model, config, steps)

    if chief:
        if overwrite:
            workdirs.clear(workdir)
        config.save(workdir / "config.json")
    if config.starts > 1 and not saved:
        again = functools.partial(_train, overwrite=False, strategy=strategy)
        starts.choose(config, workdir, functools.partial(again, last_epoch=config.start_epochs))
        return again(config, workdir, last_epoch)
    if chief:
        workdirs.drop_metrics_after(workdir / "metrics.csv", epoch)
    if epoch < last_epoch:
        if chief:
            for outdated in workdirs.OF_THE_END:
                (workdir / outdated).unlink(missing_ok=True)
        model.fit(
            datasets.training_batches(images, config.batch_size, config.seed, first_batch=epoch * steps),
            initial_epoch=epoch,
            epochs=last_epoch,
            steps_per_epoch=steps,
            validation_data=validation,
            callbacks=_callbacks(config, model, images, workdir, steps, chief),
            verbose="auto" if chief else 0,
        )
    if chief and last_epoch == config.epochs:
        with replaced_file(workdir / "model.keras") as temporary:
            model.save(temporary)
    return model


def _steps(config: TrainingConfig, num_images: int) -> int:
    """Of an epoch."""
    steps = config.steps_per_epoch or num_images // config.batch_size
    if steps % config.steps_per_execution:
        raise ValueError(f"steps_per_execution {config.steps_per_execution} must divide the {steps} steps of an epoch")
    if steps < FEW_STEPS and not config.steps_per_epoch:
        logger.warning(
            "an epoch, once through %d images, is only %d steps: set steps_per_epoch to have more, as 468 on MNIST",
            num_images,
            steps,
        )
    return steps


def _check_model(config: TrainingConfig, model: InfoGAN) -> None:
    """The config fits its model and the devices."""
    devices = model.distribute_strategy.num_replicas_in_sync
    if config.batch_size % devices:
        raise ValueError(
            f"batch_size {config.batch_size} is over all devices and must be a multiple of their number, {devices}"
        )
    check_last_batch(config.batch_size, config.batch_size, model)  # all batches are alike
    if config.starts > 1 and not selection.can_score(model):
        raise ValueError(f"starts {config.starts} need a categorical code and an augmentation: set starts to 1")


def _set_rates(model: InfoGAN, config: TrainingConfig, steps: int) -> None:
    """What falls to 0: the rates of D and G before the recognition phase, the network's and its alignment in it."""
    if config.decay_epochs:
        end, length = (config.epochs - config.recognition_epochs) * steps, config.decay_epochs * steps
        model.discriminator_optimizer.learning_rate = FallingRate(config.discriminator_learning_rate, end, length)
        model.generator_optimizer.learning_rate = FallingRate(config.generator_learning_rate, end, length)
    if config.recognition_epochs:
        length = config.recognition_epochs * steps
        model.recognition_optimizer.learning_rate = FallingRate(config.recognition_learning_rate, length, length)
        model.wake_alignment = FallingRate(config.wake_alignment, length, length)


def _callbacks(
    config: TrainingConfig,
    model: InfoGAN,
    images: np.ndarray | datasets.LazyImages,
    workdir: Path,
    steps: int,
    chief: bool,
) -> list[keras.callbacks.Callback]:
    common = [
        Lambdas(config.lambdas, config.lambdas_from_epoch),
        SwitchOn(
            "information_in_discriminator",
            config.information_in_discriminator,
            config.information_in_discriminator_from_epoch,
        ),
        SwitchOn("contrast_weight", config.contrast_weight, config.contrast_from_epoch),
        StopOnNonFinite(workdir / "checkpoints", steps),
    ]
    if config.recognition_epochs:
        common.append(Recognition(config.epochs - config.recognition_epochs))
    if not chief:
        return common
    if selection.can_score(model):
        common.append(StableInformation(images[:2000]))
    return [
        *common,
        Throughput(config.batch_size),
        Duration(),
        keras.callbacks.CSVLogger(workdir / "metrics.csv", append=True),
        keras.callbacks.TensorBoard(workdir / "tensorboard", write_graph=False),
        TraversalPictures(workdir / "pictures"),
        Checkpoints(workdir / "checkpoints"),
    ]


def _data(
    config: TrainingConfig, used: tf.distribute.Strategy
) -> tuple[np.ndarray | datasets.LazyImages, tf.data.Dataset | None]:
    """Training images, and the validation split in batches."""
    load = functools.partial(
        datasets.load, config.dataset, data_dir=config.data_dir, image_shape=config.image_shape, strict=config.strict
    )
    images = load(split=config.train_split).images
    if images.shape[1:] != config.image_shape:
        raise ValueError(f"image_shape is {config.image_shape}, but {config.dataset} has {images.shape[1:]}")
    if len(images) < config.batch_size:
        raise ValueError(f"batch_size {config.batch_size} is larger than the {len(images)} training images")
    if not config.validation_split:
        return images, None
    held_out = load(split=config.validation_split)
    if len(held_out.label_names) > MAX_LABELS:
        raise ValueError(
            f"{config.dataset} has {len(held_out.label_names)} labels, and validation compares up to {MAX_LABELS}: "
            "leave validation_split out"
        )
    devices = used.num_replicas_in_sync
    if len(held_out.images) % devices:  # Keras (3.15) needs equal parts
        raise ValueError(
            f"validation_split {config.validation_split} has {len(held_out.images)} images, "
            f"which must be a multiple of the number of devices, {devices}"
        )
    return images, datasets.evaluation_batches(held_out.images, held_out.labels, 500 // devices * devices)


def _resume(checkpoint: Path, epoch: int) -> tuple[InfoGAN, int]:
    logger.info("continuing after epoch %d from %s", epoch, checkpoint)
    return keras.models.load_model(checkpoint), epoch


def build(config: TrainingConfig) -> InfoGAN:
    """The untrained model of a run, compiled."""
    policy, reason = config.precision, "as asked"
    if policy == "auto" and (config.deterministic or distribution.several_workers()):
        policy, reason = "float32", "a timing may differ between runs and machines"
    elif policy == "auto":
        policy, reason = precision.choose()
    logger.info("precision %s: %s", policy, reason)
    model = InfoGAN(
        config.codes,
        config.image_shape,
        config.noise_size,
        architecture=config.architecture,
        augmentation=views.from_amounts(config.augmentation, config.seed),
        recognition_augmentation=views.from_amounts(
            config.recognition_augmentation if config.recognition_epochs else {}, config.seed
        ),
        contrast_head=config.contrast_weight > 0,
        seed=config.seed,
        sync_batch_norm=config.sync_batch_norm,
        dtype=policy,
    )
    check_from_epoch(model.codes, config.lambdas_from_epoch)
    accumulation = config.gradient_accumulation_steps
    model.compile(
        Adam(config.discriminator_learning_rate, beta_1=0.5, gradient_accumulation_steps=accumulation),
        Adam(config.generator_learning_rate, beta_1=0.5, gradient_accumulation_steps=accumulation),
        Adam(config.recognition_learning_rate, gradient_accumulation_steps=accumulation),
        adversarial_loss=config.adversarial_loss,
        lambdas=config.lambdas,
        information_in_discriminator=config.information_in_discriminator,
        wake_weight=config.wake_weight,
        wake_radius=config.wake_radius,
        instance_noise_stddev=config.instance_noise_stddev,
        instance_noise_end_stddev=config.instance_noise_end_stddev,
        instance_noise_steps=config.instance_noise_steps,
        jit_compile={"auto": "auto", "on": True, "off": False}[config.jit],
    )
    return model
