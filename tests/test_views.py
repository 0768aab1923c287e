"""Codes each read through a view of its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import objectives, selection, views
from infogan_tf.augmentation import RandomView
from infogan_tf.model import InfoGAN
from infogan_tf.views import OwnViews
from tests import tiny

CODES = "digit:categorical(3),slant:uniform,width:uniform"


@keras.saving.register_keras_serializable("tests")
class Times(keras.layers.Layer):
    """Images times a number, while training."""

    def __init__(self, factor: float, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, images, training=None):
        return images * self.factor if training else images

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def model(augmentation, **arguments) -> InfoGAN:
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(
        CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(CODES), augmentation=augmentation, seed=0, **arguments
    )
    infogan.compile()
    return infogan


@pytest.mark.parametrize("n", [3, 7, 12])
def test_each_part_of_a_batch_passes_its_view_and_no_image_is_left_out(n):
    view = OwnViews({"digit": Times(0.5), "slant": Times(0.25), "width": Times(0.0)})
    images = tf.ones((n, 8, 8, 1))
    seen = view(images, training=True).numpy()
    for name, factor in (("digit", 0.5), ("slant", 0.25), ("width", 0.0)):
        part = seen[view.rows(name, n)]
        assert len(part) >= n // 3
        np.testing.assert_array_equal(part, np.full_like(part, factor))
    assert sum(len(seen[view.rows(name, n)]) for name in view.views) == n
    np.testing.assert_array_equal(view(images, training=False), images)
    np.testing.assert_array_equal(view(images), seen)  # to draw is its default, as RandomView's


def test_information_is_of_the_rows_that_a_code_is_read_from():
    """Q on x, and on a view that is all zeros for the slant and x for the digit; the width has no view."""
    infogan = model(OwnViews({"digit": Times(1.0), "slant": Times(0.0)}))
    z, c = infogan.sample(6, tf.constant([1, 2]))
    x = infogan.generator([z, c], training=True)
    features = [infogan.trunk(images, training=False) for images in infogan._views(x)]
    # Heads in inference mode: their batch statistics would depend on the rows beside.
    infogan.posterior_head.trainable = infogan.trunk.trainable = False
    found = infogan._information(c, features)
    of_x, of_view = (
        objectives.pointwise_information(infogan.codes, c, infogan.posterior_head(f, training=False)) for f in features
    )
    assert float(found["digit"]) == pytest.approx(of_x["digit"][:3].numpy().mean(), rel=1e-5)
    assert float(found["slant"]) == pytest.approx(of_view["slant"][3:].numpy().mean(), rel=1e-5)
    assert float(found["width"]) == pytest.approx(of_x["width"].numpy().mean(), rel=1e-5)
    assert abs(of_view["slant"][3:].numpy().mean() - of_x["slant"][3:].numpy().mean()) > 1e-4


def test_without_own_views_discrete_codes_alone_are_read_through_the_augmentation():
    infogan, augmentation = model(None), RandomView()
    digit, slant = infogan.codes["digit"], infogan.codes["slant"]
    assert views.of_code(augmentation, digit) is augmentation
    assert views.of_code(augmentation, slant) is views.of_code(None, digit) is None
    assert views.rows(augmentation, digit, 8) == slice(None)


def test_amounts_by_code_are_views_by_code():
    view = views.from_amounts({"x.shift_y": 0.3, "shape.rotation": 3.0, "x.gamma": 0.5}, seed=4)
    configs = {name: layer.get_config() for name, layer in view.views.items()}
    amounts = {name: {a: v for a, v in config.items() if v and a in views.AMOUNTS} for name, config in configs.items()}
    assert amounts == {"x": {"shift_y": 0.3, "gamma": 0.5}, "shape": {"rotation": 3.0}}
    assert configs["x"]["seed"] != configs["shape"]["seed"]
    assert views.from_amounts({}, 0) is views.from_amounts(None, 0) is None
    one = views.from_amounts({"rotation": 1.0}, 5)
    assert type(one) is RandomView
    assert one.get_config() == RandomView(1.0, 0.0, 0.0, 0.0, seed=5, name=one.name).get_config()


@pytest.mark.parametrize("amounts", [{"x.shear": 0.1, "scale": 0.1}, {"scale": 0.1, "x.shear": 0.1}, {"x.hue": 0.1}])
def test_amounts_that_are_mixed_or_unknown_are_refused(amounts):
    with pytest.raises(ValueError, match=r"amounts are all AMOUNT or all CODE.AMOUNT, of rotation, .*; got"):
        views.from_amounts(amounts, 0)


def test_a_model_with_own_views_comes_back_and_goes_on_alike(tmp_path):
    infogan = model(views.from_amounts({"digit.shear": 0.5, "slant.shift_x": 0.2}, seed=1))
    images = tf.constant(tiny.images(8))
    infogan.train_step(images)
    infogan.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one in (infogan, loaded):
        one.train_step(images)
    for a, b in zip(infogan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_codes_are_inferred_from_what_is_not_drawn_of_their_views():
    """The digit in the middle, turned or not; the slant from x, as its view is drawn; the width has none."""
    middle = RandomView(0, 0, 0, 0, centre=1)
    infogan = model(OwnViews({"digit": RandomView(1.0, 0, 0, 0, centre=1), "slant": RandomView(0, 0.5, 0, 0)}))
    images = tiny.images(5) * (np.arange(8) < 4)[:, None].astype(np.float32)
    found = infogan.infer_code(images)
    plain = infogan.codes.infer(infogan.posterior_head(infogan.trunk(images)))
    centred = infogan.codes.infer(infogan.posterior_head(infogan.trunk(middle(images))))
    np.testing.assert_allclose(found["digit_probs"], centred["digit_probs"], rtol=1e-4)
    assert np.abs(found["digit_probs"] - plain["digit_probs"]).max() > 1e-3
    for name in ("slant_mean", "width_mean"):
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-4)
    for name, values in infogan.predict(images, verbose=0).items():
        np.testing.assert_allclose(values, found[name], atol=1e-5)


def test_truth_values_are_images_too():
    infogan, dark = model(RandomView(0, 0, 0, 0, centre=1)), tiny.images(3) > 0.5
    inferred = infogan.predict(dark, verbose=0)["digit_probs"]
    np.testing.assert_allclose(inferred, infogan.infer_code(dark.astype(np.float32))["digit_probs"], rtol=1e-4)


def test_from_the_recognition_phase_on_codes_are_read_through_its_view():
    infogan = model(None, recognition_augmentation=RandomView(0, 0, 0, 0, centre=1))
    left = np.zeros((1, 8, 8, 1), np.float32)
    left[:, 2:5, 1:3] = 1
    both = np.concatenate([left, np.roll(left, 4, axis=2)])
    before = infogan.predict(both, verbose=0)["digit_probs"]
    infogan.begin_recognition()
    after = infogan.predict(both, verbose=0)["digit_probs"]
    assert np.abs(before[0] - before[1]).max() > 1e-3
    np.testing.assert_allclose(after[0], after[1], atol=1e-5)


def test_a_deformed_copy_is_not_normalized_again():
    """Stability is of what training reads, T(x), against what inference reads of x."""
    given = {"rotation": 0.5, "shear": 0.0, "scale": 0.0, "shift": 0.3, "seed": 3}
    images = (255 * tiny.images(30)).astype(np.uint8)
    infogan = model(RandomView(centre=1, **given))
    found = selection.stable_information(infogan, images)
    batch = images.astype(np.float32) / 255
    seen = infogan.infer_code(batch)["digit_probs"].numpy().T.astype(float)
    deformed = infogan.codes.infer(infogan.read(RandomView(centre=1, **given)(batch)))["digit_probs"].numpy()
    joint = seen @ deformed
    assert found == pytest.approx(selection._mutual_information((joint + joint.T) / 2), rel=1e-4)


def test_a_recognition_network_that_reads_views_alone_never_sees_x():
    """All views are black: whatever G draws, the network becomes the same, batch statistics and all."""
    after = []
    for brightness in (0.0, 1.0):
        infogan = model(OwnViews(dict.fromkeys(("digit", "slant", "width"), Times(0.0))))
        infogan.begin_recognition()
        infogan.generator.layers[-2].bias.assign_add(tf.fill([64], brightness))
        infogan.train_step(tiny.images(12))
        after.append(tiny.values(infogan.recognition.variables))
    for a, b in zip(*after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_view_that_no_code_is_read_through_is_not_made():
    """Else the trunk, and in the recognition phase its batch statistics, would see images that nobody reads."""
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(
        "slant:uniform", tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks("slant:uniform"), augmentation=Times(0.0)
    )
    x = tf.constant(tiny.images(4))
    [only] = infogan._views(x)
    np.testing.assert_array_equal(only, x)


def test_stability_is_that_of_the_category_under_its_own_view():
    images = (255 * tiny.images(30)).astype(np.uint8)
    own = model(OwnViews({"slant": Times(0.0), "digit": Times(0.5)}))
    assert selection.stable_information(own, images) == selection.stable_information(model(Times(0.5)), images)
    assert not selection.can_score(model(OwnViews({"slant": Times(0.0)})))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: model(OwnViews({"slnat": Times(0.5)})), "names no code: slnat; codes are digit, slant, width"),
        (
            lambda: model(OwnViews({"digit": Times(0.5)})).compile(wake_weight=1.0),
            "one recognition_augmentation for all",
        ),
        (lambda: model(RandomView(centre=1)).compile(wake_weight=1.0), "without centre, fill and blur"),
        (lambda: model(RandomView()).compile(jit_compile=True), "RandomView has no XLA kernel"),
        (lambda: model(OwnViews({"slant": RandomView()})).compile(jit_compile=True), "RandomView has no XLA kernel"),
        (
            lambda: model(OwnViews(dict.fromkeys(["digit", "slant", "width"], Times(1.0)))).fit(
                tiny.images(10), batch_size=4, verbose=0
            ),
            "the last batch is of 2, but it needs 3 or more",
        ),
    ],
    ids=["no such code", "awake", "awake and centred", "XLA", "XLA for each code", "fewer images than views"],
)
def test_views_that_do_not_fit(call, text):
    with pytest.raises(ValueError, match=text):
        call()
