"""InfoGAN as a Keras model: `compile`, `fit`, `evaluate`, `save`, `generate`, `infer_code`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from infogan_tf import architectures, instance_noise, networks, objectives, presets, validation, views
from infogan_tf.checked import Checked
from infogan_tf.code_spec import CodeSpec
from infogan_tf.codes import Code
from infogan_tf.distribution import as_logs, own_rows
from infogan_tf.evaluation.clustering import ClusteringScores
from infogan_tf.inference import Inference
from infogan_tf.layers import each
from infogan_tf.optimizers import Adam, steps_taken
from infogan_tf.reading import Reading
from infogan_tf.recognition import RecognitionPhase
from infogan_tf.saving import Saving


@keras.saving.register_keras_serializable("infogan_tf")
class InfoGAN(RecognitionPhase, Reading, Inference, Saving, Checked, keras.Model):
    """InfoGAN (Chen et al., 2016): a GAN whose generator's code can be read back from its images.

    Args:
        codes: A `CodeSpec`, a list of codes, or a string like "digit:categorical(10),slant:uniform".
        image_shape: (height, width, channels).
        noise_size: Width of the incompressible noise z.
        architecture: Of the default networks: one of `architectures.NAMES`. "mnist" has dense layers that grow with
            the number of pixels: from 64 pixels on, "images".
        generator: Own network [z, c] -> images [batch, *image_shape] in [0, 1]; default: the architecture's. Own
            networks are functional models, or Sequential ones with an Input.
        trunk: Own network images -> features [batch, any], shared by D and Q.
        discriminator_head: Own network features -> logit [batch, 1].
        posterior_head: Own network features -> [batch, codes.num_parameters].
        augmentation: A layer that changes images at random, for example `RandomView()`. While training, discrete
            codes are then read from T(x) instead of x, so that a class cannot be what T changes (its slant, say).
            `OwnViews` reads any codes, each through a layer of its own. A layer whose attribute `normalizes` is true
            is also read through in inference, with `training=False`.
        contrast_head: Network (features, features) -> logits [batch, len(codes.factors)] of which factor the codes of
            two images share, for `compile(contrast_weight=...)`; True for a default one.
        recognition: Network images -> [batch, codes.num_parameters] that reads codes in place of trunk and
            posterior head, and alone is trained from then on; `begin_recognition` makes it.
        recognition_augmentation: T of the recognition phase and from then on; default: `augmentation`.
        seed: Of the noise and codes that the model draws. Of the first weights, and of layers that draw and have no
            seed of their own: `keras.utils.set_random_seed`.
        sync_batch_norm: In the default networks, take statistics over all replicas of a `tf.distribute` strategy.
        dtype: Precision policy of the default networks, for example "mixed_bfloat16".

    Raises:
        ValueError: The codes are empty or repeat a name; `image_shape` is not three sizes; there is no such
            `architecture`, or it does not fit `image_shape`; own views are of codes that there are not; a network's
            shapes do not fit the others.

    Example:
        >>> model = InfoGAN([Categorical("digit", 10), Uniform("slant"), Uniform("width")])
        >>> model.compile()
        >>> model.fit(images, batch_size=128, epochs=8)   # float32 [n, 28, 28, 1] in [0, 1]
        >>> model.generate(n=16).shape
        TensorShape([16, 28, 28, 1])
    """

    def __init__(
        self,
        codes: CodeSpec | list[Code] | str,
        image_shape: tuple[int, int, int] = (28, 28, 1),
        noise_size: int = 62,
        *,
        architecture: str = "mnist",
        generator: keras.Model | None = None,
        trunk: keras.Model | None = None,
        discriminator_head: keras.Model | None = None,
        posterior_head: keras.Model | None = None,
        augmentation: keras.layers.Layer | None = None,
        contrast_head: keras.Model | bool | None = None,
        recognition: keras.Model | None = None,
        recognition_augmentation: keras.layers.Layer | None = None,
        seed: int | None = None,
        sync_batch_norm: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, **kwargs)
        if isinstance(codes, str):
            codes = CodeSpec.parse(codes)
        self.codes = codes if isinstance(codes, CodeSpec) else CodeSpec(codes)
        self.image_shape = validation.check_image_shape(image_shape)
        validation.check_own_networks(
            generator=generator,
            trunk=trunk,
            discriminator_head=discriminator_head,
            posterior_head=posterior_head,
            contrast_head=contrast_head if isinstance(contrast_head, keras.Model) else None,
        )
        self.noise_size = noise_size
        self.seed_generator = keras.random.SeedGenerator(seed)

        table = architectures.get(architecture, self.image_shape)
        self.generator = generator or networks.build_generator(
            noise_size, self.codes.size, self.image_shape, dtype, sync_batch_norm, table
        )
        self.trunk = trunk or networks.build_trunk(self.image_shape, dtype, sync_batch_norm, table)
        num_features = self.trunk.output_shape[-1]
        self.discriminator_head = discriminator_head or networks.build_discriminator_head(num_features, table)
        self.posterior_head = posterior_head or networks.build_posterior_head(
            num_features, self.codes.num_parameters, dtype, sync_batch_norm, table
        )
        if contrast_head is True:
            contrast_head = networks.build_contrast_head(num_features, len(self.codes.factors), dtype, sync_batch_norm)
        self.contrast_head = contrast_head or None
        self.recognition = recognition
        self.augmentation = augmentation
        self.recognition_augmentation = recognition_augmentation
        self.category_shares = {name: self._add_shares(name) for name in self.codes.categorical}
        validation.check_networks(self)
        validation.check_views(self)

        self.d_loss_metric = keras.metrics.Mean(name="d_loss")
        self.g_loss_metric = keras.metrics.Mean(name="g_loss")
        self.wake_loss_metric = keras.metrics.Mean(name="wake_loss")
        self.information_metrics = [keras.metrics.Mean(name=f"{code.name}_information") for code in self.codes]
        self.clustering_metrics = [
            ClusteringScores(self.codes[name].num_classes, name) for name in self.codes.categorical
        ]
        self.built = True

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> InfoGAN:
        """A new model with a preset's codes, image shape, noise size, augmentations and networks.

        Args:
            name: Of the preset.
            **overrides: Arguments of `InfoGAN` in place of the preset's.
        """
        arguments = presets.model_arguments(name)
        for part in ("augmentation", "recognition_augmentation"):
            arguments[part] = views.from_amounts(arguments.get(part), overrides.get("seed"))
        return cls(**{**arguments, **overrides})

    # ------------------------------------------------------------------ training

    def compile(
        self,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        recognition_optimizer: keras.optimizers.Optimizer | None = None,
        adversarial_loss: str = "non_saturating",
        lambdas: float | Mapping[str, float] | None = None,
        information_in_discriminator: bool = False,
        contrast_weight: float = 0.0,
        instance_noise_stddev: float = 0.0,
        instance_noise_end_stddev: float = 0.0,
        instance_noise_steps: int = 1,
        wake_weight: float = 0.0,
        wake_alignment: float | keras.optimizers.schedules.LearningRateSchedule = 1.0,
        wake_radius: float = 1.2,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training. For rates that change give the optimizers schedules.

        Args:
            discriminator_optimizer: Of the trunk and D's head. Default: the paper's, Adam(2e-4, beta_1=0.5).
            generator_optimizer: Of G and Q's head. Default: the paper's, Adam(1e-3, beta_1=0.5).
            recognition_optimizer: Of the recognition network, once there is one. Default: Adam(1e-3).
            adversarial_loss: "non_saturating", "minimax", "hinge" or "least_squares".
            lambdas: Weight of each code's L_I, one number for all or by name. Default: 1 for discrete codes, 0.1
                for continuous ones. 0 for all is a plain GAN.
            information_in_discriminator: Also add -λ L_I to D's loss, from which the trunk then learns to read codes.
            contrast_weight: Weight of `objectives.contrast`, by which G learns to show which factor two of its images
                share. Needs a `contrast_head`. See also `callbacks.SwitchOn`.
            wake_weight: Weight of `wake.loss`, by which the recognition network learns from real images too. Needs a
                categorical code and an augmentation.
            wake_alignment: Strength of `wake.aligned`, or its schedule over the steps of the recognition phase.
            wake_radius: Length of the step of `wake.adversarial`.
            instance_noise_stddev: At the first step, of the noise added to all images that the trunk sees in training,
                real and generated: D then cannot tell them apart by details alone.
            instance_noise_end_stddev: That to which it falls, and which stays.
            instance_noise_steps: Steps from the one to the other, in a straight line.
            jit_compile: As in Keras. "auto" leaves XLA off on a CPU, where it measures slower, and with an
                augmentation, which need not have XLA kernels.
            **kwargs: `steps_per_execution`, `run_eagerly` and `auto_scale_loss`, as in `keras.Model.compile`.

        Raises:
            ValueError: An `optimizer`, `loss` or `metrics`, or one optimizer for two; unknown `adversarial_loss`;
                `lambdas` that name no code; numbers that are negative or none; instance noise that grows, or in less
                than one step; weights that lack a contrast head, a categorical code or an augmentation; XLA with
                `RandomView`.
        """
        if adversarial_loss not in objectives.ADVERSARIAL_LOSSES:
            raise ValueError(
                f"adversarial_loss must be one of {', '.join(objectives.ADVERSARIAL_LOSSES)}, got {adversarial_loss!r}"
            )
        augmentations = [layer for layer in (self.augmentation, self.recognition_augmentation) if layer]
        if jit_compile == "auto" and (augmentations or not tf.config.list_logical_devices("GPU")):
            jit_compile = False
        validation.check_jit(jit_compile, augmentations)
        validation.check_optimizers(discriminator_optimizer, generator_optimizer, recognition_optimizer, **kwargs)
        self.adversarial_loss = adversarial_loss
        self.lambdas = validation.resolve_lambdas(self.codes, lambdas)
        self.information_in_discriminator = information_in_discriminator
        self.contrast_weight, self.wake_weight = contrast_weight, wake_weight
        self.wake_alignment, self.wake_radius = wake_alignment, wake_radius
        validation.check_weights(self)
        validation.check_wake(wake_alignment, wake_radius)
        validation.check_instance_noise(instance_noise_stddev, instance_noise_end_stddev, instance_noise_steps)
        self.instance_noise_stddev, self.instance_noise_end_stddev = instance_noise_stddev, instance_noise_end_stddev
        self.instance_noise_steps = instance_noise_steps
        self.discriminator_optimizer = self._prepare(
            discriminator_optimizer or Adam(2e-4, beta_1=0.5), self.discriminator_variables
        )
        self.generator_optimizer = self._prepare(
            generator_optimizer or Adam(1e-3, beta_1=0.5), self.generator_variables
        )
        self.recognition_optimizer = self._prepare(
            recognition_optimizer or Adam(1e-3), self.recognition.trainable_variables if self.recognition else None
        )
        super().compile(optimizer=None, jit_compile=jit_compile, **kwargs)

    def _prepare(self, optimizer: Any, variables: list[keras.Variable] | None) -> keras.optimizers.Optimizer:
        """Builds the optimizer now, so that its state is saved and loaded with the model; not yet without variables."""
        optimizer = keras.optimizers.get(optimizer)
        float16 = any(layer.compute_dtype == "float16" for layer in self._flatten_layers())
        if float16 and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        if variables is not None:
            optimizer.build(variables)
        return optimizer

    @property
    def discriminator_variables(self) -> list[keras.Variable]:
        """What D's step trains."""
        return self.trunk.trainable_variables + self.discriminator_head.trainable_variables

    @property
    def generator_variables(self) -> list[keras.Variable]:
        """What the joint G/Q step trains. The trunk learns from D's loss alone."""
        heads = [self.posterior_head, self.contrast_head] if self.contrast_head else [self.posterior_head]
        return self.generator.trainable_variables + [v for head in heads for v in head.trainable_variables]

    @property
    def metrics(self) -> list[keras.Metric]:
        wake_losses = [self.wake_loss_metric] if self.recognition else []
        losses = [self.d_loss_metric, self.g_loss_metric, *wake_losses]
        return [*losses, *self.information_metrics, *self.clustering_metrics]

    def _share(self, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The codes as pairs that agree in one factor, and its index [pairs]."""
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        num_factors = len(self.codes.factors)
        factors = own_rows(lambda n: tf.random.stateless_uniform([n], seed, 0, num_factors, tf.int32), tf.shape(c)[0])
        factors = factors[1::2]
        return self.codes.share(c, factors), factors

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update of D on V(D,G), then one of G and Q together on V(D,G) - λ L_I(G,Q) (eq. 6)."""
        real, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        real = tf.cast(real, tf.float32)
        if self.recognition:
            return self._recognition_step(real)
        loss = objectives.ADVERSARIAL_LOSSES[self.adversarial_loss]
        d_variables, g_variables = self.discriminator_variables, self.generator.trainable_variables
        q_variables = self.generator_variables[len(g_variables) :]

        # (z, c) ~ P(z) P(c), x = G(z, c): a sample from P(x|z, c). G does not change until the end of this step,
        # so one recorded pass serves both updates.
        z, c = self.sample(tf.shape(real)[0])
        if self.contrast_head:
            c, shared = self._share(c)
        with tf.GradientTape() as generator_tape:
            fake = self.generator([z, c], training=True)

        # max over D of V(D,G). Real and generated images are normalised each by their own statistics.
        with tf.GradientTape() as tape:
            read = self._views(fake) if self.information_in_discriminator else [fake]
            real_features, *features = each(self.trunk, *self._noisy(real, *read))
            real_logits = self.discriminator_head(real_features, training=True)
            fake_logits = self.discriminator_head(features[0], training=True)
            d_loss = d_objective = loss.discriminator(real_logits, fake_logits)
            if self.information_in_discriminator:
                d_objective -= self._weighted(self._information(c, features))
            d_objective = self.discriminator_optimizer.scale_loss(d_objective / self._num_replicas)
        self.discriminator_optimizer.apply(tape.gradient(d_objective, d_variables), d_variables)

        # min over (G, Q) of V(D,G) - λ L_I(G,Q)
        with tf.GradientTape() as tape:
            tape.watch(fake)
            features = each(self.trunk, *self._noisy(*self._views(fake)))
            g_loss = loss.generator(self.discriminator_head(features[0], training=True))
            information = self._information(c, features)
            objective = g_loss - self._weighted(information)
            if self.contrast_head:
                objective += self._contrast(features[0], shared)
            objective = self.generator_optimizer.scale_loss(objective / self._num_replicas)
        fake_gradient, q_gradients = tape.gradient(objective, (fake, q_variables))
        g_gradients = generator_tape.gradient(fake, g_variables, output_gradients=fake_gradient)
        self.generator_optimizer.apply(g_gradients + q_gradients, g_variables + q_variables)

        return as_logs(self._record(tf.shape(real)[0], information, d_loss=d_loss, g_loss=g_loss))

    @property
    def _num_replicas(self) -> int:
        """Optimizers add up the gradients of replicas, each of which sees a part of the batch."""
        return self.distribute_strategy.num_replicas_in_sync

    def _noisy(self, *batches: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """With instance noise, whose clock is the steps of D."""
        if not self.instance_noise_stddev:
            return batches
        to_go = tf.maximum(1 - steps_taken(self.discriminator_optimizer) / self.instance_noise_steps, 0)
        end = self.instance_noise_end_stddev
        stddev = end + (self.instance_noise_stddev - end) * to_go
        return tuple(instance_noise.added(batch, stddev, self.seed_generator.next()) for batch in batches)

    def _contrast(self, features: tf.Tensor, shared: tf.Tensor) -> tf.Tensor:
        """The contrastive loss of a batch of pairs: the head's own, of which G sees `contrast_weight` times."""
        features = self.contrast_weight * features + (1 - self.contrast_weight) * tf.stop_gradient(features)
        second = features[1::2]
        logits = self.contrast_head([features[::2][: tf.shape(second)[0]], second], training=True)
        return objectives.contrast(logits, shared)

    def _weighted(self, information: dict[str, tf.Tensor]) -> tf.Tensor:
        """λ L_I, summed over the codes."""
        return tf.add_n([self.lambdas[name] * value for name, value in information.items()])

    def _record(self, n: tf.Tensor, information: dict[str, tf.Tensor], **losses: tf.Tensor) -> dict[str, tf.Tensor]:
        """Updates the metrics with means over a batch of n images; a loss of the other phase stays at 0."""
        values = losses | {f"{name}_information": value for name, value in information.items()}
        for metric in self.metrics:
            if metric.name in values:
                metric.update_state(values[metric.name], sample_weight=n)
        return {m.name: m.result() for m in self.metrics if isinstance(m, keras.metrics.Mean)}

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Losses and information in inference mode; with labels, how well each categorical code clusters them."""
        real, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        real = tf.cast(real, tf.float32)
        loss = objectives.ADVERSARIAL_LOSSES[self.adversarial_loss]
        z, c = self.sample(tf.shape(real)[0])
        fake = self.generator([z, c], training=False)
        fake_logits, real_logits = (
            self.discriminator_head(self.trunk(images, training=False), training=False) for images in (fake, real)
        )
        logs = self._record(
            tf.shape(real)[0],
            objectives.information(self.codes, c, self.posterior_parameters(fake)),
            d_loss=loss.discriminator(real_logits, fake_logits),
            g_loss=loss.generator(fake_logits),
        )
        logs.pop("wake_loss", None)  # only training has one
        if labels is not None:
            slices = self.codes.split_parameters(self.posterior_parameters(real))
            for metric in self.clustering_metrics:
                metric.update_state(labels, tf.argmax(slices[metric.name], axis=-1))
                logs.update(metric.result())
        return as_logs(logs)
