"""Disentanglement metrics: representations whose scores are known, cases made by hand, and slow re-computations."""

import functools
import math

import numpy as np
import pytest

from infogan_tf.datasets.factors import sample_factors
from infogan_tf.evaluation import disentanglement
from infogan_tf.evaluation.disentanglement import Sample, beta_vae, explicitness, factor_vae, mig, modularity, sap
from infogan_tf.evaluation.disentanglement.dci import completeness
from infogan_tf.evaluation.disentanglement.dci import disentanglement as disentanglement_of
from infogan_tf.evaluation.disentanglement.factor_vae import votes
from infogan_tf.evaluation.disentanglement.groups import Groups
from tests import tiny

SIZES = (2, 3, 4)


def sample(n: int, seed: int, sizes=SIZES) -> np.ndarray:
    return sample_factors(sizes, n, np.random.default_rng(seed))


TRAIN, TEST = sample(1200, 0), sample(600, 1)
ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


def unit(factors: np.ndarray) -> np.ndarray:
    """Each factor spread over -1 to 1."""
    return 2 * factors / (np.array(SIZES) - 1) - 1


def noise(factors: np.ndarray) -> np.ndarray:
    return np.random.default_rng(len(factors)).normal(size=(len(factors), 4))


REPRESENTATIONS = {
    "factors": unit,
    "rotated": lambda factors: unit(factors) @ ROTATION,
    "permuted": lambda factors: unit(factors)[:, [2, 0, 1]] * [3.0, -2.0, 0.5] + [1.0, 5.0, -2.0],
    "with constants": lambda factors: np.insert(unit(factors), [1, 3], [7.0, 0.0], axis=1),
    "noise": noise,
    "constant": lambda factors: np.tile([0.3, -0.7, 0.1], (len(factors), 1)),
}


@functools.cache
def scored(name: str) -> dict[str, float]:
    parts = (Sample(REPRESENTATIONS[name](factors), factors) for factors in (TRAIN, TEST))
    return disentanglement.scores(*parts, verbose=0)


# ---------------------------------------------------------------- representations whose scores are known


def test_factors_themselves_are_disentangled():
    found = dict(scored("factors"))
    assert found.pop("active_codes") == 3
    assert found.pop("sap") > 0.45  # not 1: chance stays with the second code; see test_sap_by_hand
    assert min(found.values()) > 0.98, found


def test_rotation_mixes_codes_but_loses_nothing():
    factors, rotated = scored("factors"), scored("rotated")
    for name in ("factor_vae", "mig", "sap", "dci", "dci_completeness", "modularity"):
        assert rotated[name] < factors[name] - 0.15, name
    assert rotated["explicitness"] == pytest.approx(factors["explicitness"], abs=0.02)


def test_noise_is_at_chance():
    found = scored("noise")
    large, large_test = sample(40_000, 2), sample(20_000, 3)
    arrays = noise(large), large, noise(large_test), large_test
    assert factor_vae(*arrays).score == pytest.approx(1 / 3, abs=0.04)
    assert beta_vae(*arrays) == pytest.approx(1 / 3, abs=0.04)
    assert found["explicitness"] == pytest.approx(1 / 2, abs=0.04)
    assert found["dci_informativeness"] == pytest.approx(np.mean(1 / np.array(SIZES)), abs=0.06)
    for name in ("mig", "sap", "dci", "dci_completeness"):
        assert found[name] < 0.06, name


def test_order_scale_sign_and_offset_of_codes_do_not_count():
    """But for SAP, whose SVM is regularised: it is the same for another order and sign alone."""
    expected = scored("factors") | {"sap": scored("permuted")["sap"]}
    assert scored("permuted") == pytest.approx(expected, abs=0.02)
    codes, test_codes = (unit(factors)[:, [2, 0, 1]] * [1, -1, 1] for factors in (TRAIN, TEST))
    assert sap(codes, TRAIN, test_codes, TEST) == pytest.approx(scored("factors")["sap"], abs=0.02)


def test_constant_scores_zero_on_all():
    found = dict(scored("constant"))
    majority = np.mean(
        [np.mean(test == np.bincount(train).argmax()) for train, test in zip(TRAIN.T, TEST.T, strict=True)]
    )
    assert found.pop("dci_informativeness") == pytest.approx(majority)
    assert found == dict.fromkeys(found, 0.0)


def test_constant_dimensions_beside_others_lower_modularity_alone():
    """It is a mean over dimensions, in which they count as 0."""
    expected = scored("factors") | {"modularity": scored("factors")["modularity"] * 3 / 5}
    assert scored("with constants") == pytest.approx(expected, abs=0.02)


# ---------------------------------------------------------------- mutual information


def information(joint) -> float:
    joint = np.array(joint, float) / np.sum(joint)
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    return sum(p * math.log(p / q) for p, q in zip(joint.flat, product.flat, strict=True) if p)


def test_mig_and_modularity_by_hand():
    """Two bits a, b, all four combinations equally often; one code is a, the other is (a and b)."""
    factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    codes = np.array([[0.0, 5.0], [0.0, 5.0], [1.0, 5.0], [1.0, 9.0]])
    of_both = information([[2, 0], [1, 1]])  # I(a and b; a) = I(a and b; b)
    np.testing.assert_allclose(
        disentanglement.mutual_information(codes, factors), [[math.log(2), 0], [of_both, of_both]], atol=1e-12
    )
    gaps = (math.log(2) - of_both) / math.log(2), of_both / math.log(2)
    assert mig(codes, factors) == pytest.approx(np.mean(gaps))
    assert modularity(codes, factors) == pytest.approx((1 + 0) / 2)  # the second code knows as much of a as of b


def test_modularity_of_a_code_that_knows_two_of_three_factors():
    """1 - (I₂² + I₃²) / (I₁² (3 - 1)), here with I₂ = I₁ and I₃ = 0."""
    factors = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3)
    codes = np.stack([factors[:, 0] + factors[:, 1], factors[:, 2]], axis=1)
    assert modularity(codes, factors) == pytest.approx((1 / 2 + 1) / 2)


def test_information_is_of_20_bins_of_equal_width():
    """A code of 40 equidistant values keeps 20 of them apart, one of 20 keeps all."""
    factors = np.stack(np.meshgrid(range(40), range(20), indexing="ij"), axis=-1).reshape(-1, 2)
    shares = disentanglement.mutual_information(factors, factors)
    np.testing.assert_allclose(shares, [[math.log(20), 0], [0, math.log(20)]], atol=1e-12)
    np.testing.assert_allclose(disentanglement.entropy(factors), [math.log(40), math.log(20)])


# ---------------------------------------------------------------- fixed factors


def test_groups_share_their_value_and_draw_evenly():
    values = np.array([4, 0, 4, 9, 0, 4, 0, 4])
    rows = Groups(values, np.random.default_rng(0)).draw(20_000, 3)
    assert rows.shape == (20_000, 3)
    assert (values[rows] == values[rows[:, :1]]).all()
    assert all(len(set(draw)) == 3 for draw in rows.tolist())
    counts = np.bincount(rows.ravel(), minlength=8) / rows.size
    np.testing.assert_allclose(counts, np.where(values == 9, 0, 1 / 7), atol=0.005)  # row 3 is alone


def test_pairs_are_of_different_rows_with_one_value():
    values = np.array([4, 0, 4, 9, 0, 4, 0, 4])
    left, right = Groups(values, np.random.default_rng(0)).pairs(20_000, 2)
    assert left.shape == right.shape == (20_000, 2)
    assert (values[left] == values[right]).all()
    assert (left != right).all()
    counts = np.zeros((8, 8))
    np.add.at(counts, (left, right), 1)
    shared = (values[:, None] == values) & ~np.eye(8, dtype=bool)
    sizes = shared.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(counts / left.size, shared / np.maximum(sizes, 1) / 7, atol=0.005)


def test_groups_without_company_are_refused():
    with pytest.raises(ValueError, match="no value that two images share"):
        Groups(np.arange(5), np.random.default_rng(0))


def mixed(factors: np.ndarray) -> np.ndarray:
    """Codes that follow two factors each, so that votes are divided."""
    a, b, c = unit(factors).T
    return np.stack([a + 0.7 * b, b - 0.8 * c, 0.9 * c + 0.6 * a * b, a * c], axis=1)


def test_votes_against_images_made_anew_with_one_factor_fixed():
    """The definition itself: loops, no pool of images, another random order."""
    rng = np.random.default_rng(5)
    global_variance = mixed(sample(20_000, 2)).var(axis=0, ddof=1)
    expected = np.zeros((3, 4))
    for _ in range(3000):
        fixed, factors = rng.integers(3), sample_factors(SIZES, 64, rng)
        factors[:, fixed] = factors[0, fixed]
        expected[fixed, np.argmin(np.var(mixed(factors), axis=0, ddof=1) / global_variance)] += 1
    pool = sample(10_000, 6)
    found = votes(mixed(pool) / np.sqrt(global_variance), pool, 10_000, rng)
    assert found.sum() == 10_000
    np.testing.assert_allclose(found / 10_000, expected / 3000, atol=0.03)
    score = factor_vae(mixed(pool), pool, mixed(TEST), TEST).score
    assert score == pytest.approx(expected.max(axis=0).sum() / 3000, abs=0.03)


def test_variances_are_relative_to_each_codes_own():
    scales = [0.2, 1, 5, 20]
    expected = factor_vae(mixed(TRAIN), TRAIN, mixed(TEST), TEST)
    found = factor_vae(mixed(TRAIN) * scales, TRAIN, mixed(TEST) * scales, TEST)
    assert found.score == pytest.approx(expected.score, abs=0.001)


def test_codes_that_hardly_vary_have_no_vote():
    """A copy of the factors at a hundredth of their scale would win every vote by half."""
    codes, test_codes = (np.concatenate([unit(f), unit(f) / 100], axis=1) for f in (TRAIN, TEST))
    assert factor_vae(codes, TRAIN, test_codes, TEST) == (1.0, 3)
    tiny_codes, tiny_test = unit(TRAIN) / 100, unit(TEST) / 100
    assert factor_vae(tiny_codes, TRAIN, tiny_test, TEST) == (0.0, 0)


def test_beta_vae_reads_only_the_codes_that_know_a_factor():
    """Of three factors one is written nowhere: its points look like chance, the other two are always named."""
    codes, test_codes = (np.stack([unit(f)[:, 0], unit(f)[:, 1]], axis=1) for f in (TRAIN, TEST))
    assert beta_vae(codes, TRAIN, test_codes, TEST) > 0.99  # "neither changed less" names the third
    one, test_one = (np.stack([unit(f)[:, 0], np.zeros(len(f))], axis=1) for f in (TRAIN, TEST))
    assert beta_vae(one, TRAIN, test_one, TEST) == pytest.approx(2 / 3, abs=0.03)


# ---------------------------------------------------------------- classifiers


def bits(copies: int) -> np.ndarray:
    """All combinations of two bits, equally often."""
    return np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (copies, 1))


@pytest.mark.parametrize(("wrong", "expected"), [(0, 1 / 2), (1, (1 / 2 + 1 / 4) / 2)])
def test_sap_by_hand(wrong, expected):
    """Of each bit its own code knows all and the other code half the truth; a code wrong in a quarter, 3/4."""
    factors = bits(16)
    codes = 2.0 * factors - 1
    codes[: wrong * 16, 1] *= -1  # evenly over the combinations
    assert sap(codes, factors, codes, factors) == pytest.approx(expected)


def test_sap_weighs_rare_and_frequent_values_equally():
    """A classifier of which plain accuracy is asked would name the frequent value always: 4/5."""
    factors = np.tile([[0, 0], [0, 0], [0, 0], [0, 0], [1, 1]], (400, 1))
    second = np.tile([1, 1, -1, -1, 1], 400)  # for both values alike, 1 means value 1: right for three in five
    codes = np.stack([2.0 * factors[:, 0] - 1, second], axis=1)
    assert sap(codes, factors, codes, factors) == pytest.approx(1 - 3 / 5)


@pytest.mark.parametrize(
    ("importances", "by_code", "by_factor"),
    [
        (np.eye(3), 1, 1),
        (np.ones((3, 4)), 0, 0),
        (np.zeros((3, 4)), 0, 0),
        ([[0.5, 0], [0.5, 0], [0, 1]], 1, (1 - math.log(2) / math.log(3) + 1) / 2),  # two codes share a factor
        ([[1, 1, 0], [0, 0, 1]], (2 * (1 - math.log(2) / math.log(3)) + 1) / 3, 1),  # two factors share a code
    ],
)
def test_disentanglement_and_completeness_by_hand(importances, by_code, by_factor):
    importances = np.array(importances, float)
    assert disentanglement_of(importances) == pytest.approx(by_code, abs=1e-8)
    assert completeness(importances) == pytest.approx(by_factor, abs=1e-8)


def test_dci_names_the_codes_that_factors_are_read_from():
    """Two bits, one written in one code, the other nowhere; the third code is noise."""
    rng = np.random.default_rng(0)
    factors, test_factors = bits(100), bits(50)
    codes, test_codes = (np.stack([f[:, 0], rng.normal(size=len(f))], axis=1) for f in (factors, test_factors))
    calls = []
    found = disentanglement.dci(codes, factors, test_codes, test_factors, advance=lambda: calls.append(1))
    assert len(calls) == 2
    assert found.informativeness == pytest.approx((1 + 1 / 2) / 2, abs=0.05)
    assert found.completeness > 0.8


def test_explicitness_is_a_mean_over_factors():
    """One of two bits can be read without error, the other not at all."""
    rng = np.random.default_rng(0)
    factors, test_factors = bits(500), bits(500)
    codes, test_codes = (np.stack([f[:, 0], rng.normal(size=len(f))], axis=1) for f in (factors, test_factors))
    assert explicitness(codes, factors, test_codes, test_factors) == pytest.approx((1 + 1 / 2) / 2, abs=0.03)


def test_explicitness_of_values_that_do_not_occur_in_the_test():
    kept = TEST[TEST[:, 2] != 3]
    assert explicitness(unit(TRAIN), TRAIN, unit(kept), kept) == pytest.approx(
        scored("factors")["explicitness"], abs=0.01
    )


# ---------------------------------------------------------------- on a data set


class Patches:
    """One pixel per factor, and a factor of a single value."""

    factor_names = ("a", "b", "c", "same")
    factor_sizes = (*SIZES, 1)

    def __init__(self):
        self.rendered = 0

    def images(self, factors):
        self.rendered += len(factors)
        return (factors[:, None, :, None] * 60).astype(np.uint8)


def pixels(images: np.ndarray) -> np.ndarray:
    assert images.dtype == np.uint8
    return images.reshape(len(images), -1) / 60


def test_evaluate_draws_encodes_and_scores():
    data = Patches()
    found = disentanglement.evaluate(pixels, data, seed=1, samples=1100, verbose=0)
    assert data.rendered == 3 * (1100 + 550)
    assert found["dci"] > 0.98
    assert found["active_codes"] == 3


def test_codes_depend_on_the_seed_alone():
    first, again, other = (
        disentanglement.train_and_test(pixels, Patches(), seed=seed, samples=200, verbose=0) for seed in (1, 1, 2)
    )
    for part in (0, 1):
        np.testing.assert_array_equal(first[part].codes, again[part].codes)
        assert first[part].factors.shape == ((3000, 1500)[part], 3)  # never fewer
        assert (first[part].factors != other[part].factors).any()
    assert len(np.unique(np.concatenate([first[0].factors[:1500], first[1].factors], axis=1), axis=0)) > 100


def test_representation_has_a_dimension_for_each_variable():
    model = tiny.model()
    images = np.random.default_rng(0).integers(0, 256, (5, *tiny.IMAGE_SHAPE), dtype=np.uint8)
    found = disentanglement.representation(model)(images)
    expected = model.infer_code(images / np.float32(255))
    assert disentanglement.code_names(model.codes) == (
        "digit", "slant", "style_0", "style_1", "flags_0", "flags_1", "angle"
    )  # fmt: skip
    np.testing.assert_array_equal(found[:, 0], np.argmax(expected["digit_probs"], axis=1))
    rest = [expected[name] for name in ("slant_mean", "style_mean", "flags_probs", "angle_mean")]
    np.testing.assert_allclose(found[:, 1:], np.concatenate(rest, axis=1), atol=1e-6)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("codes", "factors", "text"),
    [
        (np.zeros((4, 1)), bits(1), r"two or more dimensions to compare, got \[4, 1\]"),
        (np.zeros(4), bits(1), r"codes must be \[n, d\]"),
        (np.full((4, 2), np.nan), bits(1), "codes must be finite"),
        (np.zeros((4, 2)), bits(1)[:, :1], r"two or more factors to compare, got int64 \[4, 1\]"),
        (np.zeros((4, 2)), bits(1) / 2, r"factors must be integers .* got float64 \[4, 2\]"),
        (np.zeros((5, 2)), bits(1), "equally many, got 5 and 4"),
        (np.zeros((4, 2)), bits(1) * [1, 0], "every factor must take two or more values"),
        (np.zeros((0, 2)), bits(0), "every factor must take two or more values"),
    ],
)
def test_arrays_that_cannot_be_scored_are_refused(codes, factors, text):
    with pytest.raises(ValueError, match=text):
        mig(codes, factors)
