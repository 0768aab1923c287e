"""Everything that `infogan-evaluate` reports about one model on one split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infogan_tf.datasets import ImageSet, evaluation_batches
from infogan_tf.evaluation import clustering
from infogan_tf.evaluation.information import generated_information

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def evaluate(model: InfoGAN, data: ImageSet) -> dict[str, Any]:
    """Clustering scores, code-to-label match and information of a model.

    Args:
        model: Trained.
        data: Images, and labels for the clustering scores.

    Returns:
        `information`: for each code `{"bound": L_I, "entropy": H(c), "maximum": what Q can report}`, in nats.
        `clustering`: with labels, for each categorical code the scores of `clustering.scores` as fractions.
        `label_match`: with labels, for each categorical code the label name of each category under the best
        one-to-one match (None where no label is left), so that code k is not mistaken for label k.
    """
    bounds = generated_information(model)
    report: dict[str, Any] = {
        "images": len(data.images),
        "information": {
            code.name: {"bound": bounds[code.name], "entropy": code.entropy, "maximum": code.max_information}
            for code in model.codes
        },
        "clustering": {},
        "label_match": {},
    }
    if data.labels is None:
        return report
    inferred = model.predict(evaluation_batches(data.images))
    for code in model.codes:
        if code.kind != "categorical":
            continue
        clusters = inferred[f"{code.name}_probs"].argmax(axis=1)
        table = clustering.contingency_table(data.labels, clusters, len(data.label_names), code.num_classes)
        report["clustering"][code.name] = clustering.scores(table)
        report["label_match"][code.name] = [
            data.label_names[label] if label >= 0 else None for label in clustering.match(table)
        ]
    return report


def as_text(report: dict[str, Any]) -> str:
    """The report as a few lines to read."""
    lines = []
    for name, scores in report["clustering"].items():
        values = "  ".join(
            f"{key.upper() if key != 'purity' else key} {100 * scores[key]:.2f} %" for key in ("acc", "purity")
        )
        lines.append(f"{name}: {values}  NMI {scores['nmi']:.3f}  ARI {scores['ari']:.3f}  ({report['images']} images)")
        match = "  ".join(f"{k}={label}" for k, label in enumerate(report["label_match"][name]))
        lines.append(f"{name}: category=label  {match}")
    for name, values in report["information"].items():
        lines.append(f"{name}: information {values['bound']:.3f} of at most {values['maximum']:.3f} nats")
    return "\n".join(lines)
