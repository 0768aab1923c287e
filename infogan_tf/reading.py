"""What Q reads each code from: x, or a view of it, in training and in inference."""

from __future__ import annotations

import keras
import tensorflow as tf

from infogan_tf import objectives, views
from infogan_tf.layers import each


class Reading:
    """The part of `InfoGAN` that puts images before Q."""

    @property
    def _view(self) -> keras.layers.Layer | None:
        """T of the phase that training is in."""
        return (self.recognition and self.recognition_augmentation) or self.augmentation

    def _views(self, images: tf.Tensor) -> list[tf.Tensor]:
        """X, and T(x) if there is an augmentation T that a code is read through."""
        if all(views.of_code(self._view, code) is None for code in self.codes):
            return [images]
        return [images, self._view(images, training=True)]

    def _only_read(self, seen: list[tf.Tensor]) -> list[tf.Tensor]:
        """Of `_views` those that a code is read from: not x where each code has a view of its own."""
        return seen[1:] if views.leave_nothing_to_x(self._view, self.codes) else seen

    def _information(self, c: tf.Tensor, features: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        """L_I of each code from the trunk's features of x, and of T(x) (see `views`).

        I(c; T(x)) <= I(c; x) for any T that does not know c (data processing), so the bound stays a bound.
        """
        return self._choose_views(
            [objectives.pointwise_information(self.codes, c, p) for p in each(self.posterior_head, *features)]
        )

    def _choose_views(self, information: list[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """L_I of each code, from information [batch] in x, and in T(x) where that is what it is read from."""
        chosen = {}
        for code in self.codes:
            own = views.of_code(self._view, code) is not None
            values = information[-1 if own else 0][code.name]
            if own:
                values = values[views.rows(self._view, code, tf.shape(values)[0])]
            chosen[code.name] = tf.reduce_mean(values)
        return chosen

    def posterior_parameters(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The parameters of Q(c|x), [batch, codes.num_parameters]; of each code from its view of x (see `views`)."""
        images = tf.cast(images, tf.float32)
        read, slices = {}, []  # what has been read, by view
        for code in self.codes:
            view = views.normalizing(self._view, code)
            if view not in read:
                seen = images if view is None else view(images, training=False)
                read[view] = self.codes.split_parameters(self.read(seen, training))
            slices.append(read[view][code.name])
        return tf.concat(slices, axis=-1)

    def read(self, seen: tf.Tensor, training: bool = False) -> tf.Tensor:
        """As `posterior_parameters`, all of them from what is seen: x, or a view of it."""
        if self.recognition:
            return self.recognition(seen, training=training)
        return self.posterior_head(self.trunk(seen, training=training), training=training)
