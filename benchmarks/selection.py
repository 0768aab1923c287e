"""Whether the scores that need no labels put runs in the order of their accuracy.

    python benchmarks/selection.py benchmarks/results/mnist benchmarks/results/mnist_wake \
        --out=benchmarks/results/selection.json

Each folder is an `infogan-benchmark --out`, whose runs are still in its `runs`. The scores are those of
`infogan-select`, on 5,000 training images; Spearman's rank correlation over all runs.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import harness
from absl import app, flags
from scipy import stats

DATA_DIR = flags.DEFINE_string("data_dir", None, "Where tensorflow-datasets keeps the data.")
OUT = flags.DEFINE_string("out", None, "JSON file to write.")


def main(argv: list[str]) -> None:
    """Scores the runs, prints a line for each and the correlations, writes the JSON."""
    from infogan_tf import datasets, selection, workdirs  # noqa: PLC0415 - only once the flags are in order

    if len(argv) < 2:
        raise app.UsageError("which folders of infogan-benchmark?")
    found = [(path, json.loads(path.read_text())) for folder in argv[1:] for path in Path(folder).glob("seed-*.json")]
    dataset = found[0][1]["config"]["dataset"]
    images = datasets.load(dataset, "train[:5000]", DATA_DIR.value).images
    start, rows, categories = time.perf_counter(), [], []
    for path, result in found:
        model = workdirs.load(path.parent / "runs" / path.stem)
        information = selection.stable_information(model, images)
        rows.append({"run": f"{path.parent.name} {path.stem}", "acc": result["acc"], "stable_information": information})
        categories.append(selection.categories(model, images))
    for row, agreement in zip(rows, selection.agreement(categories), strict=True):
        row["agreement"] = agreement
    seconds = time.perf_counter() - start
    correlations = {}
    for score in ("stable_information", "agreement"):
        test = stats.spearmanr([row[score] for row in rows], [row["acc"] for row in rows])
        correlations[score] = {"rank_correlation": float(test.statistic), "p": float(test.pvalue)}
    for row in sorted(rows, key=lambda row: -row["acc"]):
        print(f"{row['run']:24}{row['acc']:8.4f}{row['stable_information']:8.3f}{row['agreement']:8.3f}")
    print(correlations)
    result = {"runs": rows, "correlations": correlations, "images": len(images), "scoring_seconds": round(seconds, 1)}
    harness.write(result, OUT.value)


if __name__ == "__main__":
    app.run(main)
