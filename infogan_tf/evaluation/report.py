"""Everything that `infogan-evaluate` reports about one model on one split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infogan_tf.datasets import ImageSet, evaluation_batches
from infogan_tf.evaluation import clustering
from infogan_tf.evaluation.information import generated_information, real_information

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def evaluate(model: InfoGAN, data: ImageSet) -> dict[str, Any]:
    """Clustering scores, code-to-label match and information of a model.

    Args:
        model: Trained.
        data: Images, and labels for the clustering scores.

    Returns:
        `images`: how many there are.
        `information`: for each code `{"bound": L_I, "entropy": H(c), "maximum": what Q can report, "real":
        `real_information` on the images for a categorical code, None for others}`, in nats.
        `clustering`: with labels, for each categorical code the scores of `clustering.scores` as fractions.
        `label_match`: with labels, for each categorical code the label name of each category under the best
        one-to-one match (None where no label is left), so that code k is not mistaken for label k.
    """
    bounds = generated_information(model)
    inferred = model.predict(evaluation_batches(data.images))
    probs = {name: inferred[f"{name}_probs"] for name in model.codes.categorical}
    report: dict[str, Any] = {
        "images": len(data.images),
        "information": {
            code.name: {
                "bound": bounds[code.name],
                "entropy": code.entropy,
                "maximum": code.max_information,
                "real": real_information(probs[code.name]) if code.name in probs else None,
            }
            for code in model.codes
        },
        "clustering": {},
        "label_match": {},
    }
    if data.labels is None:
        return report
    for name, posterior in probs.items():
        clusters = posterior.argmax(axis=1)
        table = clustering.contingency_table(data.labels, clusters, len(data.label_names), posterior.shape[1])
        report["clustering"][name] = clustering.scores(table)
        report["label_match"][name] = [
            data.label_names[label] if label >= 0 else None for label in clustering.match(table)
        ]
    return report


def as_text(report: dict[str, Any]) -> str:
    """The report as a few lines to read; with `fidelity` if it has what `fidelity.evaluate` returns under that name."""
    lines = []
    for name, scores in report["clustering"].items():
        values = "  ".join(
            f"{key.upper() if key != 'purity' else key} {100 * scores[key]:.2f} %" for key in ("acc", "purity")
        )
        lines.append(f"{name}: {values}  NMI {scores['nmi']:.3f}  ARI {scores['ari']:.3f}  ({report['images']} images)")
        match = "  ".join(f"{k}={label}" for k, label in enumerate(report["label_match"][name]))
        lines.append(f"{name}: category=label  {match}")
    for name, values in report["information"].items():
        real = "" if values["real"] is None else f", {values['real']:.3f} on real images"
        lines.append(f"{name}: information {values['bound']:.3f} of at most {values['maximum']:.3f} nats{real}")
    if "fidelity" in report:
        found = report["fidelity"]
        lines.append(
            f"fidelity: Fréchet distance {found['frechet_distance']:.3f} (floor {found['frechet_floor']:.3f})  "
            f"precision {found['precision']:.3f}  recall {found['recall']:.3f}  diversity {found['diversity']:.3f}  "
            f"(features of a classifier with {100 * found['classifier_accuracy']:.2f} % on the test split)"
        )
    return "\n".join(lines)
