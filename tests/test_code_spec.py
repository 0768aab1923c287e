"""Layout, joint prior, parsing and serialisation of a list of codes."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from infogan_tf.code_spec import RESERVED_NAMES, CodeSpec
from infogan_tf.codes import Bernoulli, Categorical, Circular, Gaussian, Uniform

SPECS = [
    CodeSpec([Categorical("digit", 10), Uniform("slant"), Uniform("width")]),
    CodeSpec([Categorical("a", 3, (0.2, 0.3, 0.5))]),
    CodeSpec([Uniform("a", 2, stddev=0.5), Uniform("b", truncated=True), Uniform("e", 3, min_stddev=0.01)]),
    CodeSpec([Gaussian("a", 4), Gaussian("b", stddev=1e-3), Bernoulli("f"), Bernoulli("h", 7)]),
    CodeSpec([Circular("a"), Circular("b", max_concentration=12.5)]),
    CodeSpec([Categorical("shape", 2), Circular("azimuth"), Gaussian("style2_x", 2)]),
]
MIXED = CodeSpec(
    [Categorical("digit", 3), Uniform("slant"), Gaussian("style", 2), Bernoulli("flags", 2), Circular("a")]
)
every_spec = pytest.mark.parametrize("spec", SPECS, ids=str)


def test_layout_follows_the_order_of_the_codes():
    assert MIXED.size == 3 + 1 + 2 + 2 + 2
    assert MIXED.num_parameters == 3 + 2 * 1 + 2 * 2 + 2 + 2
    described = MIXED.describe()
    assert [code["name"] for code in described] == ["digit", "slant", "style", "flags", "a"]
    assert [code["offset"] for code in described] == [0, 3, 4, 6, 8]
    assert [code["size"] for code in described] == [3, 1, 2, 2, 2]
    flat = tf.constant(np.arange(20, dtype=np.float32).reshape(2, 10))
    for code in described:
        part = MIXED.split(flat)[code["name"]].numpy()
        np.testing.assert_array_equal(part, flat.numpy()[:, code["offset"] : code["offset"] + code["size"]])


def test_parameters_split_in_the_same_order():
    parameters = tf.constant(np.arange(13, dtype=np.float64)[None])
    pieces = MIXED.split_parameters(parameters)
    assert [len(piece[0]) for piece in pieces.values()] == [3, 2, 4, 2, 2]
    assert all(piece.dtype == tf.float32 for piece in pieces.values())
    np.testing.assert_array_equal(np.concatenate(list(pieces.values()), axis=1), parameters)


def test_sample_has_the_prior_of_each_code():
    sample = MIXED.split(MIXED.sample(5000, tf.constant([3, 4])))
    np.testing.assert_array_equal(sample["digit"].numpy().sum(axis=1), 1)
    assert stats.chisquare(sample["digit"].numpy().sum(axis=0)).pvalue > 1e-4
    assert stats.kstest(sample["slant"][:, 0], stats.uniform(-1, 2).cdf).pvalue > 1e-4
    assert stats.kstest(sample["style"][:, 1], stats.norm.cdf).pvalue > 1e-4
    np.testing.assert_allclose(np.linalg.norm(sample["a"], axis=1), 1, rtol=1e-5)
    assert set(np.unique(sample["flags"])) == {0.0, 1.0}


def test_codes_are_drawn_independently():
    flat = MIXED.sample(5000, tf.constant([5, 6])).numpy()
    correlation = np.corrcoef(flat.T)
    for code in MIXED.describe():
        inside = slice(code["offset"], code["offset"] + code["size"])
        correlation[inside, inside] = 0
    assert np.abs(correlation).max() < 5 / math.sqrt(5000)


def test_two_codes_of_one_kind_differ():
    spec = CodeSpec([Uniform("slant"), Uniform("width")])
    sample = spec.sample(100, tf.constant([1, 2])).numpy()
    assert abs(np.corrcoef(sample.T)[0, 1]) < 0.5


def test_sample_is_a_function_of_the_seed():
    same = [MIXED.sample(8, tf.constant([1, 2], dtype)).numpy() for dtype in (tf.int32, tf.int64)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], MIXED.sample(8, tf.constant([1, 3])).numpy())


def test_joint_prior_is_the_product_of_the_priors():
    values = MIXED.prior().sample(6, seed=tf.constant([1, 2]))
    total = sum(code.prior().log_prob(values[code.name]) for code in MIXED)
    np.testing.assert_allclose(MIXED.prior().log_prob(values), total, rtol=1e-5)


def test_posteriors_see_their_own_parameters():
    parameters = np.random.default_rng(0).normal(size=(5, 13)).astype(np.float32)
    posteriors = MIXED.posteriors(parameters)
    assert list(posteriors) == ["digit", "slant", "style", "flags", "a"]
    np.testing.assert_allclose(posteriors["digit"].logits, parameters[:, :3])
    np.testing.assert_allclose(posteriors["slant"].mean(), parameters[:, 3:4])
    np.testing.assert_allclose(posteriors["style"].mean(), parameters[:, 5:7])
    np.testing.assert_allclose(posteriors["flags"].mean(), tf.sigmoid(parameters[:, 9:11]), rtol=1e-6)
    np.testing.assert_allclose(posteriors["a"].loc, np.arctan2(parameters[:, 12], parameters[:, 11]), rtol=1e-5)


def test_infer_gives_the_flat_estimate_and_each_posterior():
    parameters = np.random.default_rng(0).normal(size=(5, 13)).astype(np.float32)
    outputs = MIXED.infer(parameters)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "code": (5, 10),
        "digit_probs": (5, 3),
        "slant_mean": (5, 1),
        "slant_stddev": (5, 1),
        "style_mean": (5, 2),
        "style_stddev": (5, 2),
        "flags_probs": (5, 2),
        "a_mean": (5, 1),
        "a_concentration": (5, 1),
    }
    cos_sin = [np.cos(outputs["a_mean"]), np.sin(outputs["a_mean"])]
    np.testing.assert_allclose(
        outputs["code"],
        np.concatenate(
            [outputs[name] for name in ("digit_probs", "slant_mean", "style_mean", "flags_probs")] + cos_sin, axis=1
        ),
        rtol=1e-5,
        atol=1e-6,
    )


# ---------------------------------------------------------------- text


@every_spec
def test_text_round_trip(spec):
    assert CodeSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("digit:categorical(10),slant:uniform,width:uniform", SPECS[0]),
        (" digit : categorical( 10 ) ,\n slant:uniform , width:uniform() ", SPECS[0]),
        ("a:categorical(3, (0.2, 0.3, 0.5))", SPECS[1]),
        ("a:categorical(3, probs=[0.2, 0.3, 0.5])", SPECS[1]),
        ("style:gaussian(2, stddev=0.5),x:bernoulli", CodeSpec([Gaussian("style", 2, 0.5), Bernoulli("x")])),
        ("style:uniform(dim=2,truncated=True)", CodeSpec([Uniform("style", 2, truncated=True)])),
        ("digit:categorical", CodeSpec([Categorical("digit", 10)])),
    ],
)
def test_parse(text, spec):
    assert CodeSpec.parse(text) == spec


def test_text_is_short():
    assert str(SPECS[0]) == "digit:categorical(10),slant:uniform(1),width:uniform(1)"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("digit:categorical(10),slant:unifrom", "slant:unifrom"),
        ("digit:categorical(10),slant", "slant"),
        ("digit:categorical(10,slant:uniform", r"digit:categorical\(10"),
        ("digit:categorical(ten)", r"digit:categorical\(ten\)"),
        ("a:uniform,digit:categorical(1)", r"digit:categorical\(1\)"),
        ("a:uniform,b:gaussian(2, sigma=1)", r"b:gaussian\(2, sigma=1\)"),
        ("a:uniform(stddev=-1)", r"a:uniform\(stddev=-1\)"),
        ("a:uniform,b:gaussian(1,2,3,4,5,6)", r"b:gaussian\(1,2,3,4,5,6\)"),
        ("a:uniform(1.5)", r"a:uniform\(1.5\)"),
        ("a:categorical(2.5)", r"a:categorical\(2.5\)"),
        ("a:uniform,b:gaussian('x')", r"b:gaussian\('x'\)"),
        ("a:__import__('os')", r"a:__import__\('os'\)"),
        ("a:uniform(__import__('os').getpid())", "a:uniform"),
        ("a:uniform,:uniform", ",:uniform"),
        ("9a:uniform", "'9a'"),
        ("a:uniform,a:gaussian", "'a'"),
        ("c:uniform", "'c'"),
    ],
)
def test_parse_errors_name_the_part(text, part):
    with pytest.raises(ValueError, match=part):
        CodeSpec.parse(text)


@pytest.mark.parametrize("text", ["", "  ", ","])
def test_no_codes(text):
    with pytest.raises(ValueError, match="code"):
        CodeSpec.parse(text)


def test_empty_spec_is_refused():
    with pytest.raises(ValueError, match="at least one code"):
        CodeSpec([])


@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES), "", "Digit", "1st", "class", "two words", "naïve", "a-b"])
def test_names_that_would_clash_or_are_no_identifiers(name):
    with pytest.raises(ValueError, match=repr(name)):
        CodeSpec([Uniform(name)])


def test_duplicate_names_are_counted():
    with pytest.raises(ValueError, match="'slant' stands 2 times"):
        CodeSpec([Uniform("slant"), Uniform("width"), Gaussian("slant")])


# ---------------------------------------------------------------- collection, config


def test_lookup_by_name():
    assert MIXED["style"] == Gaussian("style", 2)
    assert len(MIXED) == len(list(MIXED)) == 5
    with pytest.raises(KeyError, match=r"'styl'.*digit, slant, style, flags, a"):
        MIXED["styl"]


@every_spec
def test_config_round_trip(spec):
    assert CodeSpec.from_config(spec.get_config()) == spec
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(spec))
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.describe() == spec.describe()


def test_specs_differ_by_order_and_arguments():
    assert CodeSpec([Uniform("a"), Uniform("b")]) != CodeSpec([Uniform("b"), Uniform("a")])
    assert CodeSpec([Uniform("a")]) != CodeSpec([Uniform("a", stddev=0.5)])
    assert CodeSpec([Uniform("a")]) != CodeSpec([Gaussian("a")])
