"""All seven metrics of one representation on one data set."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from keras.utils import Progbar

from infogan_tf.datasets.factors import ArrayFactors, FactorDataset, parts
from infogan_tf.evaluation.disentanglement.beta_vae import beta_vae
from infogan_tf.evaluation.disentanglement.dci import dci
from infogan_tf.evaluation.disentanglement.explicitness import explicitness
from infogan_tf.evaluation.disentanglement.factor_vae import factor_vae
from infogan_tf.evaluation.disentanglement.mutual_information import mig, modularity
from infogan_tf.evaluation.disentanglement.samples import Represent, Sample, encode
from infogan_tf.evaluation.disentanglement.sap import sap

T = TypeVar("T")
POOL = 3
SMALLEST_POOL = 3000  # images, of which votes take 64 that share a value


def evaluate(
    represent: Represent, dataset: FactorDataset | ArrayFactors, seed: int = 0, samples: int = 10_000, verbose: int = 1
) -> dict[str, float]:
    """`scores` of a representation on images drawn from a data set.

    Args:
        represent: Images uint8 [n, height, width, channels] to codes [n, d].
        dataset: The images and their factors.
        seed: Of the images, votes, pairs and classifiers.
        samples: Images that classifiers learn from; half as many to test them on. Votes and pairs, of which
            disentanglement_lib renders each anew, are drawn from three times as many, and 3,000 at least.
        verbose: 1 for progress bars, 0 for silence.

    Raises:
        ValueError: See `samples.checked`; or an array is too small for a factor's values to occur twice.
    """
    train, test = train_and_test(represent, dataset, seed, samples, verbose)
    return scores(train, test, seed, samples, verbose)


def train_and_test(
    represent: Represent, dataset: FactorDataset | ArrayFactors, seed: int = 0, samples: int = 10_000, verbose: int = 1
) -> tuple[Sample, Sample]:
    """Codes of 3 * `samples` images to learn from and of half as many to test on: what `scores` takes.

    Factors of a single value are left out: nothing can depend on them.
    """
    pool = max(POOL * samples, SMALLEST_POOL)
    drawn = parts(dataset, (pool, pool // 2), np.random.default_rng(seed))
    bar = Progbar(sum(part.size for part in drawn), unit_name="image", verbose=verbose)
    varied = np.array(dataset.factor_sizes) > 1
    train, test = (Sample(s.codes, s.factors[:, varied]) for s in (encode(represent, part, bar.add) for part in drawn))
    return train, test


def scores(train: Sample, test: Sample, seed: int = 0, samples: int = 10_000, verbose: int = 1) -> dict[str, float]:
    """The seven metrics, defined as in disentanglement_lib (Locatello et al., 2019), and what they come with.

    A representation that is constant scores 0 on all of them but `dci_informativeness`.

    Args:
        train: To learn from: FactorVAE and BetaVAE use all of it, the others the first `samples`.
        test: To test on: likewise, half as many.
        seed: Of votes, pairs and classifiers.
        samples: See `train`.
        verbose: 1 for a progress bar, 0 for silence.

    Raises:
        ValueError: See `samples.checked`.

    Returns:
        factor_vae: See `factor_vae`. `active_codes` is how many dimensions took part in it.
        beta_vae: See `beta_vae`.
        mig: See `mutual_information.mig`.
        sap: See `sap`.
        dci: Disentanglement; `dci_completeness` and `dci_informativeness` stand beside it. See `dci`.
        modularity: See `mutual_information.modularity`.
        explicitness: See `explicitness`.
    """
    bar = Progbar(6 + train.factors.shape[1], unit_name="step", verbose=verbose)

    def done(value: T) -> T:
        bar.add(1)
        return value

    some, some_test = (Sample(*(a[:n] for a in part)) for part, n in ((train, samples), (test, samples // 2)))
    votes = done(factor_vae(*train, *test, seed))
    found = {
        "factor_vae": votes.score,
        "beta_vae": done(beta_vae(*train, *test, seed)),
        "mig": done(mig(*some)),
        "modularity": done(modularity(*some)),
        "sap": done(sap(*some, *some_test)),
        "explicitness": done(explicitness(*some, *some_test)),
    }
    parts = dci(*some, *some_test, seed, lambda: bar.add(1))
    return {
        **found,
        "dci": parts.disentanglement,
        "dci_completeness": parts.completeness,
        "dci_informativeness": parts.informativeness,
        "active_codes": float(votes.active_codes),
    }


def as_text(found: dict[str, float]) -> str:
    """The scores as a table to read."""
    return "\n".join(f"{name:<20} {value:6.3f}" for name, value in found.items())
