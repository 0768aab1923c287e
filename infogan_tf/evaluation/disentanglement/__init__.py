"""Disentanglement: do single code dimensions stand for single factors of variation?

Every metric is a function of codes [n, d] and factors, integers [n, k]; those with a classifier also take arrays to
test it on. `evaluate` draws such arrays from a data set and computes all seven. Definitions and parameters are those
of disentanglement_lib (Locatello et al., 2019, "Challenging Common Assumptions in the Unsupervised Learning of
Disentangled Representations").
"""

from infogan_tf.evaluation.disentanglement.beta_vae import beta_vae
from infogan_tf.evaluation.disentanglement.dci import DCI, dci
from infogan_tf.evaluation.disentanglement.explicitness import explicitness
from infogan_tf.evaluation.disentanglement.factor_vae import FactorVAE, factor_vae
from infogan_tf.evaluation.disentanglement.mutual_information import entropy, mig, modularity, mutual_information
from infogan_tf.evaluation.disentanglement.report import as_text, evaluate, scores, train_and_test
from infogan_tf.evaluation.disentanglement.representation import code_names, representation
from infogan_tf.evaluation.disentanglement.samples import Sample
from infogan_tf.evaluation.disentanglement.sap import sap

__all__ = [
    "DCI",
    "FactorVAE",
    "Sample",
    "as_text",
    "beta_vae",
    "code_names",
    "dci",
    "entropy",
    "evaluate",
    "explicitness",
    "factor_vae",
    "mig",
    "modularity",
    "mutual_information",
    "representation",
    "sap",
    "scores",
    "train_and_test",
]
