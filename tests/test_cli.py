"""The command lines, each in a process of its own: mistakes in flags, then one short run from training to export."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from infogan_tf import augmentation, config, datasets, objectives, selection, workdirs
from infogan_tf.cli import train
from infogan_tf.config import TrainingConfig
from infogan_tf.datasets.factors import ArrayFactors
from infogan_tf.evaluation import disentanglement

MODULES = {
    "train": "infogan_tf.cli.train",
    "evaluate": "infogan_tf.cli.evaluate",
    "disentangle": "infogan_tf.cli.disentangle",
    "report": "infogan_tf.cli.report",
    "select": "infogan_tf.cli.select",
    "traverse": "infogan_tf.cli.traverse",
    "export": "infogan_export.cli",
}
# Runs the entry point and says whether TensorFlow was imported by then.
CODE = """
import sys
try:
    from {module} import main
    main()
finally:
    print("tensorflow" in sys.modules)
"""


def command(name: str, *flags: str) -> subprocess.CompletedProcess:
    code = CODE.format(module=MODULES[name])
    return subprocess.run([sys.executable, "-c", code, *flags], capture_output=True, text=True, check=False)


def succeed(name: str, *flags: str) -> str:
    process = command(name, *flags)
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


@pytest.mark.parametrize(
    ("name", "flags", "texts"),
    [
        ("train", ["--workdir=x", "--dataset=x", "--preset=minst"], ["preset", "mnist|fashion_mnist|"]),
        ("train", ["--workdir=x", "--adversarial_loss=wasserstein"], ["adversarial_loss", "hinge"]),
        ("train", ["--workdir=x", "--batch_size=1"], ["batch_size", "1"]),
        ("train", ["--workdir=x", "--epochs=0"], ["epochs", "0"]),
        ("train", ["--workdir=x", "--lambda=digit=1"], ["lambda", "NAME:NUMBER"]),
        ("train", ["--workdir=x", "--lambda=digit:one"], ["lambda", "NAME:NUMBER"]),
        ("train", ["--workdir=x", "--augmentation=shear:1,shear:2"], ["augmentation", "NAME:NUMBER"]),
        ("train", ["--workdir=x", "--recognition_augmentation=hue:1"], ["recognition_augmentation", "rotation"]),
        ("train", ["--workdir=x", "--augmentation=digit.hue:1"], ["augmentation", "CODE.NAME"]),
        ("train", ["--workdir=x", "--augmentation=digit.shear:1,scale:1"], ["augmentation", "CODE.NAME"]),
        ("train", ["--workdir=x", "--lamda=digit:1"], ["Unknown command line flag 'lamda'"]),
        ("train", [], ["--workdir is needed"]),
        ("train", ["--workdir=x", "--preset=images64"], ["brings no images", "--dataset=folder:/path"]),
        ("train", ["--workdir=x", "--instance_noise_steps=0"], ["instance_noise_steps", "0"]),
        ("train", ["--workdir=x", "digit"], ["unexpected arguments: digit"]),
        ("evaluate", [], ["workdir"]),
        ("evaluate", ["--workdir=/nowhere"], ["/nowhere is no training workdir"]),
        ("disentangle", ["--workdir=/nowhere"], ["/nowhere is no training workdir"]),
        ("disentangle", ["--workdir=x", "--samples=10"], ["samples", "10"]),
        ("disentangle", ["--workdir=x", "--out=x.txt"], ["out", ".json"]),
        ("report", [], ["workdir"]),
        ("report", ["--workdir=x", "--out=x.pdf"], ["out", ".html"]),
        ("report", ["--workdir=/nowhere"], ["/nowhere is no training workdir"]),
        ("traverse", ["--workdir=x", "--code=slant", "--out=x.jpg"], ["out", ".png or .gif"]),
        ("traverse", ["--workdir=x", "--code=slant"], ["--out", "must"]),
        ("traverse", ["--workdir=x", "--code=slant", "--out=x.png", "--columns=1"], ["columns", "1"]),
        ("export", ["--workdir=x"], ["base"]),
        ("export", ["--workdir=x", "--base=y", "--version=0"], ["version", "0"]),
        ("export", ["--workdir=/nowhere", "--base=y"], ["/nowhere is no training workdir"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_mistakes_in_flags_come_before_tensorflow(name, flags, texts):
    process = command(name, *flags)
    assert process.returncode != 0
    assert process.stdout.split()[-1] == "False"
    assert "Traceback" not in process.stderr
    for text in texts:
        assert text in process.stderr + process.stdout


def test_a_path_may_begin_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/nowhere")
    assert "/nowhere/run is no training workdir" in command("evaluate", "--workdir=~/run").stderr


def test_flags_know_what_there_is():
    assert train.AUGMENTATION_PARTS == augmentation.AMOUNTS
    assert set(config.ADVERSARIAL_LOSSES) == set(objectives.ADVERSARIAL_LOSSES)


def test_mistakes_in_a_flagfile_count_too(tmp_path):
    (tmp_path / "flags").write_text("# a comment\n--workdir=x\n--precision=float8\n")
    process = command("train", f"--flagfile={tmp_path / 'flags'}")
    assert process.returncode != 0
    assert process.stdout.split()[-1] == "False"
    assert "precision" in process.stderr


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    """Two steps on 64 real digits, the flags from a file but for one."""
    folder = tmp_path_factory.mktemp("cli")
    flags = folder / "flags"
    flags.write_text(
        f"--preset=mnist_5k\n--workdir={folder / 'run'}\n--train_split=train[:64]\n--batch_size=8\n--epochs=1\n"
        "--steps_per_epoch=2\n--precision=float32\n--seed=3\n--lambda=digit:2,slant:0.25\n"
        "--codes=digit:categorical(12),slant:uniform\n"
    )
    succeed("train", f"--flagfile={flags}", "--noise_size=7")
    return folder / "run"


def test_flags_become_the_config(workdir):
    assert TrainingConfig.load(workdir / "config.json") == TrainingConfig.from_preset(
        "mnist_5k",
        train_split="train[:64]",
        batch_size=8,
        epochs=1,
        steps_per_epoch=2,
        precision="float32",
        seed=3,
        lambdas={"digit": 2.0, "slant": 0.25},
        codes="digit:categorical(12),slant:uniform",
        noise_size=7,
    )
    model = workdirs.load(workdir)
    assert model.lambdas == {"digit": 2.0, "slant": 0.25}
    assert (model.codes.size, model.noise_size) == (13, 7)
    assert int(model.generator_optimizer.iterations) == 2


def test_another_run_is_refused_in_one_line(workdir):
    process = command("train", f"--workdir={workdir}", "--preset=mnist_5k")
    assert process.returncode == 1
    assert "holds another run" in process.stderr
    assert "noise_size 7 there, 62 here" in process.stderr
    assert "Traceback" not in process.stderr


LOST_WORKER = """
import os, sys
import tensorflow as tf
from infogan_tf import training
from infogan_tf.cli import train

def lost(*_, overwrite, **__):
    raise tf.errors.UnavailableError(None, None, f"overwrite={overwrite}")

training.train = lost
os.execv = lambda _, arguments: sys.exit(" ".join(arguments))
train.main()
"""


@pytest.mark.parametrize("overwrite", ["--overwrite", "--overwrite=true"])
def test_a_run_that_has_lost_a_worker_goes_on_and_does_not_begin_anew(tmp_path, overwrite):
    flags = [f"--workdir={tmp_path}", "--strategy=multi_worker", overwrite]
    again = subprocess.run([sys.executable, "-c", LOST_WORKER, *flags], capture_output=True, text=True, check=False)
    assert "overwrite=True" in again.stderr
    assert again.stderr.splitlines()[-1].endswith(f" {' '.join(flags)} --nooverwrite")


@pytest.fixture(scope="module")
def evaluation(workdir) -> dict:
    succeed("evaluate", f"--workdir={workdir}", "--split=test[:100]")
    return json.loads((workdir / "evaluation.json").read_text())


def test_evaluation_is_that_of_the_model(workdir, evaluation):
    model = workdirs.load(workdir)
    data = datasets.load("mnist_5k", "test[:100]")
    guess = model.infer_code(data.images.astype(np.float32) / 255)["digit_probs"].numpy().argmax(axis=1)
    table = np.array([[((data.labels == i) & (guess == k)).sum() for k in range(12)] for i in range(10)])
    rows, columns = linear_sum_assignment(-table)
    assert (evaluation["dataset"], evaluation["split"], evaluation["images"]) == ("mnist_5k", "test[:100]", 100)
    assert evaluation["clustering"]["digit"] == pytest.approx(
        {
            "acc": table[rows, columns].sum() / 100,
            "purity": table.max(axis=0).sum() / 100,
            "nmi": metrics.normalized_mutual_info_score(data.labels, guess),
            "ari": metrics.adjusted_rand_score(data.labels, guess),
        },
        abs=1e-6,
    )
    match = evaluation["label_match"]["digit"]
    assert len(match) == 12
    assert match.count(None) == 2
    assert sorted(label for label in match if label) == list("0123456789")
    matched = sum(table[int(label), k] for k, label in enumerate(match) if label)
    assert matched == table[rows, columns].sum()
    information = evaluation["information"]
    assert set(information) == {"digit", "slant"}
    assert information["digit"]["entropy"] == information["digit"]["maximum"] == pytest.approx(np.log(12))
    assert all(value["bound"] <= value["maximum"] for value in information.values())


def test_traverse_draws_a_picture_and_an_animation(workdir, tmp_path):
    succeed("traverse", f"--workdir={workdir}", "--code=digit", f"--out={tmp_path / 'digit.png'}", "--rows=2")
    with Image.open(tmp_path / "digit.png") as picture:
        picture.load()
        assert picture.format == "PNG"
    flags = ["--code=slant", f"--out={tmp_path / 'slant.gif'}", "--rows=3", "--columns=4"]
    succeed("traverse", f"--workdir={workdir}", *flags)
    with Image.open(tmp_path / "slant.gif") as gif:
        assert gif.size == (2 * (3 * 28 + 2), 2 * 28)
        durations = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            durations.append(gif.info["duration"])
    assert sum(durations) == 120 * (4 + 2)  # there and back; Pillow joins frames that look the same
    assert {path.name for path in tmp_path.iterdir()} == {"digit.png", "slant.gif"}


def test_disentanglement_is_that_of_the_model(workdir, tmp_path):
    """Images of two grays and three heights; the scores repeat, and stand in a table, a file and a picture."""
    factors = np.indices((2, 3, 50)).reshape(3, -1).T[:, :2]
    images = np.zeros((300, 28, 28, 1), np.uint8)
    for image, (gray, height), width in zip(images, factors, np.arange(300) % 50, strict=True):
        image[8 * height : 8 * height + 12, 2 : 3 + width // 2] = 100 + 155 * gray
    np.savez(tmp_path / "blocks.npz", images=images, factors=factors, factor_names=np.array(["gray", "height"]))
    flags = [f"--dataset=npz:{tmp_path / 'blocks.npz'}", "--samples=200", f"--out={tmp_path / 'found.json'}"]
    out = succeed("disentangle", f"--workdir={workdir}", *flags)
    report = json.loads((tmp_path / "found.json").read_text())

    data = ArrayFactors(images, factors)
    represent = disentanglement.representation(workdirs.load(workdir))
    train, test = disentanglement.train_and_test(represent, data, samples=200, verbose=0)
    assert report["scores"] == pytest.approx(disentanglement.scores(train, test, samples=200, verbose=0), abs=0.02)
    shares = disentanglement.mutual_information(*train) / [np.log(2), np.log(3)]
    for code, row in zip(["digit", "slant"], shares, strict=True):
        assert report["information_share"][code] == pytest.approx({"gray": row[0], "height": row[1]}, abs=0.02)
    for name, value in report["scores"].items():
        assert f"{name:<20} {value:6.3f}" in out
    assert {path.name for path in tmp_path.iterdir()} == {"blocks.npz", "found.json", "found.png"}


def test_report_is_a_page_about_the_run_and_the_split(workdir, tmp_path):
    path = tmp_path / "page.html"
    out = succeed("report", f"--workdir={workdir}", "--split=test[:50]", f"--out={path}")
    assert f"written to {path}" in out
    text = path.read_text(encoding="utf-8")
    assert "the 50 images of the split" in " ".join(text.split())
    assert f"infogan-train --preset=mnist_5k --workdir={workdir}" in text


@pytest.mark.usefixtures("evaluation")
def test_export_describes_the_run(workdir, tmp_path):
    base = tmp_path / "models" / "digits"
    out = succeed("export", f"--workdir={workdir}", f"--base={base}")
    assert [path.name for path in base.iterdir()] == ["1"]
    assert f"written to {base / '1'}" in out
    loaded = tf.saved_model.load(str(base / "1")).signatures
    description = json.loads(loaded["describe"](query=tf.constant([""]))["description"].numpy()[0])
    assert description["name"] == "digits"
    assert description["label_match"] == json.loads((workdir / "evaluation.json").read_text())["label_match"]
    assert description["provenance"]["training"]["seed"] == 3
    assert description["provenance"]["checkpoint"] == "last"
    model = workdirs.load(workdir)
    z, c = model.sample(3, tf.constant([1, 2]))
    np.testing.assert_allclose(loaded["generate"](z=z, c=c)["image"], model.generate(z, c), atol=1e-5)


@pytest.mark.usefixtures("evaluation")
def test_another_checkpoint_is_not_described_by_what_the_last_was_found_to_be(workdir, tmp_path):
    out = succeed("export", f"--workdir={workdir}", f"--base={tmp_path}", "--checkpoint=best")
    assert "run infogan-evaluate on labelled data first, with --checkpoint=best" in out
    describe = tf.saved_model.load(str(tmp_path / "1")).signatures["describe"]
    description = json.loads(describe(query=tf.constant([""]))["description"].numpy()[0])
    assert (description["label_match"], description["provenance"]["checkpoint"]) == ({}, "best")


def test_select_scores_each_run(workdir, tmp_path):
    lines = succeed("select", str(workdir), "--split=train[:40]").splitlines()
    (line,) = [line for line in lines if line.endswith(str(workdir))]
    images = datasets.load("mnist_5k", "train[:40]").images
    expected = selection.stable_information(workdirs.load(workdir), images)
    assert float(line.split()[0]) == pytest.approx(expected, abs=6e-4)


def test_select_names_an_unfinished_run_before_it_reads_any(workdir, tmp_path):
    shutil.copytree(workdir, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    process = command("select", str(workdir), str(tmp_path / "run"), "--split=nonsense")
    assert f"{tmp_path / 'run'} has no model.keras: its run has completed 1 of 1 epochs" in process.stderr
