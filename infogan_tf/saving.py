"""What `keras.Model.save` and `keras.models.load_model` must be told of an InfoGAN."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

PARTS = (
    *("generator", "trunk", "discriminator_head", "posterior_head", "augmentation", "contrast_head", "recognition"),
    "recognition_augmentation",
)
COMPILE_ARGUMENTS = (
    *("adversarial_loss", "information_in_discriminator", "contrast_weight", "wake_weight", "wake_radius"),
    *("instance_noise_stddev", "instance_noise_end_stddev", "instance_noise_steps"),
    *("jit_compile", "steps_per_execution"),
)
OBJECTS = ("discriminator_optimizer", "generator_optimizer", "recognition_optimizer", "wake_alignment")


class Saving:
    """The part of `InfoGAN` that writes down its arguments, its compile arguments and its random state."""

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Keras saves the networks and optimizers, but no seed generator's state."""
        store["seed_generator_state"] = self.seed_generator.state.numpy()
        store["recognition_has_begun"] = np.array(self.recognition is not None)
        for name, shares in self.category_shares.items():
            store[f"{name}_shares"] = shares.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        if self.recognition is None and "recognition_has_begun" in store and store["recognition_has_begun"][()]:
            self.begin_recognition()  # or its weights, which come next, would have no place
        self.seed_generator.state.assign(store["seed_generator_state"])
        for name, shares in self.category_shares.items():
            shares.assign(store[f"{name}_shares"])

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "codes": serialize(self.codes),
            "image_shape": list(self.image_shape),
            "noise_size": self.noise_size,
            "seed": self.seed_generator.get_config()["seed"],
            **{name: serialize(getattr(self, name)) for name in PARTS},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Saving:
        config = dict(config)
        # One after another: processes that share a model must make its variables in the same order.
        for name in ("codes", *PARTS):
            if name in config:  # files from before a part existed lack it
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects)
        return cls(**config)

    def get_compile_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        if not self.compiled:
            return {}
        return {
            **{name: serialize(getattr(self, name)) for name in OBJECTS},
            **{name: getattr(self, name) for name in COMPILE_ARGUMENTS},
            "lambdas": dict(self.lambdas),
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        config = dict(config)
        for name in OBJECTS:
            if name in config:
                config[name] = keras.saving.deserialize_keras_object(config[name])
        self.compile(**config)
