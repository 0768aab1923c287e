"""The page about a run, parsed: what stands in it, that its pictures are the right ones, that it needs nothing else."""

import base64
import dataclasses
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn import metrics

from infogan_tf import datasets, page, pictures, training, workdirs
from infogan_tf.code_spec import CodeSpec
from infogan_tf.codes import Bernoulli, Categorical, Circular
from infogan_tf.config import TrainingConfig
from infogan_tf.datasets import ImageSet
from infogan_tf.evaluation.information import real_information
from infogan_tf.page import curves, real_images
from infogan_tf.traversal import traverse
from tests import tiny

IMAGES = 64
LABELS = ("<script>alert(1)</script>", '" onload="alert(2)', "R&D's")  # as folders may be called
CONFIG = TrainingConfig.from_preset(
    "mnist",
    codes="digit:categorical(4),slant:uniform,style:gaussian(2)",
    image_shape=(8, 8, 1),
    noise_size=4,
    augmentation={},
    batch_size=8,
    epochs=2,
    recognition_epochs=0,
    steps_per_epoch=2,
    validation_split="validation",
    precision="float32",
)
SECTIONS = ["configuration", "curves", "traversals", "real", "confusion", "information", "rerun"]
VOID = {"img", "meta"}


def images_of(split: str) -> ImageSet:
    images = (255 * tiny.images(IMAGES, seed=len(split))).astype(np.uint8)
    return ImageSet(images, np.arange(IMAGES) % 3, LABELS)


def labelled(name: str, split: str, *arguments, **others) -> ImageSet:
    """Stands in for `datasets.load`."""
    return images_of(split)


def unlabelled(name: str, split: str, *arguments, **others) -> ImageSet:
    return ImageSet(images_of(split).images, None, ())


class Page(HTMLParser):
    """The elements of a page as (tag, attributes, text within); fails where a tag is not closed in its order."""

    def __init__(self, text: str):
        super().__init__()
        self.elements, self.open = [], []
        assert text.lstrip().startswith("<!DOCTYPE html>")
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        assert len(attrs) == len(element[1])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attributes, text) for name, attributes, text in self.elements if name == tag]

    def text(self, tag: str, **attributes: str) -> str:
        """What stands in the one element like that."""
        (found,) = (text for found, text in self.all(tag) if attributes.items() <= found.items())
        return found


class Tables(HTMLParser):
    """The cells of each table, row by row, under the table's caption; a picture is its `src`."""

    def __init__(self, text: str):
        super().__init__()
        self.tables, self.rows, self.target = {}, [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
        elif tag == "img" and self.target in {"td", "th"}:
            self.rows[-1][-1] += dict(attrs)["src"]
        if tag in {"caption", "td", "th"}:
            self.target = tag

    def handle_endtag(self, tag):
        if tag == self.target:
            if tag != "caption":
                self.rows[-1][-1] = self.rows[-1][-1].strip()
            self.target = None
        if tag == "table":
            self.tables[" ".join(self.caption.split())] = self.rows

    def handle_data(self, data):
        if self.target == "caption":
            self.caption += data
        elif self.target:
            self.rows[-1][-1] += data

    def of(self, caption: str) -> list[list[str]]:
        (found,) = (rows for name, rows in self.tables.items() if name.startswith(caption))
        return found


def decode(src: str) -> np.ndarray:
    assert src.startswith("data:image/png;base64,")
    return np.array(Image.open(io.BytesIO(base64.b64decode(src.split(",")[1]))))


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("page") / "my <run>"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", labelled)
        patch.setattr(training, "build", lambda config: tiny.model(config.codes))
        model = training.train(CONFIG, workdir)
    # Four steps in, Q puts all images into one category; without the mean of its logits it spreads them.
    logits = model.posterior_head(model.trunk(images_of("test").images / 255))
    bias = model.posterior_head.layers[-1].bias
    bias.assign(bias - tf.reduce_mean(logits, axis=0))
    model.save(workdir / "model.keras")
    return workdir


@pytest.fixture(scope="module")
def text(workdir) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", labelled)
        assert page.write(workdir) == workdir / "report.html"
    return (workdir / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def probs(workdir) -> np.ndarray:
    """Q(digit | x) of the split's images."""
    model = workdirs.load(workdir)
    return model.infer_code(images_of("test").images.astype(np.float32) / 255)["digit_probs"].numpy()


# ---------------------------------------------------------------- the page as a file


def test_sections_are_there_and_linked(text):
    parsed = Page(text)
    assert [attributes["id"] for attributes, _ in parsed.all("section")] == SECTIONS
    assert [attributes["href"] for attributes, _ in parsed.all("a")] == [f"#{name}" for name in SECTIONS]
    assert parsed.text("title") == parsed.text("h1") == "my <run>: InfoGAN on mnist"
    assert parsed.all("html") == [({"lang": "en"}, parsed.text("html"))]


def test_nothing_comes_from_outside(text):
    parsed = Page(text)
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _, _ in parsed.elements}
    for _, attributes, _ in parsed.elements:
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in dict(parsed.all("meta")[3][0])["content"]


def test_every_picture_has_a_description(text):
    pictures_of_page = [attributes for attributes, _ in Page(text).all("img")]
    assert len({attributes["alt"] for attributes in pictures_of_page}) == len(pictures_of_page)
    assert all(len(attributes["alt"]) > 10 for attributes in pictures_of_page)


def test_tables_are_rectangles_with_header_cells(text):
    found = Tables(text).tables
    assert len(found) == len(Page(text).all("table")) == len(Page(text).all("caption")) == 7
    for rows in found.values():
        assert {len(row) for row in rows} == {len(rows[0])}
        assert all(rows[0])
    scopes = [attributes["scope"] for attributes, _ in Page(text).all("th")]
    assert scopes.count("row") == sum(len(rows) - 1 for rows in found.values())
    assert scopes.count("col") == sum(len(rows[0]) for rows in found.values())


def test_names_from_the_data_are_text_and_no_markup(text):
    """Parsed, they are whole again; as markup they would be elements or attributes."""
    assert "<script" not in text
    assert [row[0] for row in Tables(text).of("digit: images by label")[1:]] == list(LABELS)
    alts = " ".join(attributes["alt"] for attributes, _ in Page(text).all("img"))
    for label in LABELS:
        assert f"label {label}" in alts


# ---------------------------------------------------------------- what it says


def test_settings(text):
    rows = {name: (value, usual) for name, value, usual in Tables(text).of("What decided the run")[1:]}
    assert set(rows) == {field.name.replace("_", " ") for field in dataclasses.fields(CONFIG)}
    assert rows["batch size"] == ("8", "128")
    assert rows["image shape"] == ("8 × 8 × 1", "28 × 28 × 1")
    assert rows["generator learning rate"] == ("0.001", "")
    assert rows["augmentation"] == ("none", "rotation 0.2, shear 0.2, scale 0.1, shift 0.07")
    assert rows["data dir"] == ("none", "")


def test_curves_are_those_of_the_run(text, workdir):
    found = Page(text)
    section = [attributes for attributes, _ in found.all("img") if attributes["src"].startswith("data:image/svg+xml")]
    titles = ["Losses", "Information of digit", "Information of slant", "Information of style", "Accuracy of digit"]
    assert len(section) == len(titles)
    for attributes, title in zip(section, titles, strict=True):
        assert attributes["alt"].startswith(title)
        assert b"<svg" in base64.b64decode(attributes["src"].split(",")[1])
    rows = curves.read_metrics(workdir / "metrics.csv")
    assert f"D from {rows[0]['d_loss']:.3g} to {rows[1]['d_loss']:.3g}" in section[0]["alt"]
    assert f"from {rows[0]['digit_information']:.3g} to" in section[1]["alt"]
    assert section[1]["alt"].endswith(f"entropy {np.log(4):.3g}")
    assert f"to {rows[1]['val_digit_acc']:.3g}" in section[4]["alt"]
    table = Tables(text).of("metrics.csv")
    assert [row[0] for row in table] == ["epoch", "1", "2"]
    column = table[0].index("g_loss")
    assert [float(row[column]) for row in table[1:]] == pytest.approx([row["g_loss"] for row in rows], rel=1e-3)


def test_a_loss_that_nobody_minimises_is_not_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "draw", lambda epochs, lines, *others: drawn.append(lines) or b"<svg/>")
    rows = [{"epoch": 1, "d_loss": 1.2, "g_loss": 0.8, "wake_loss": 0.0, "digit_information": 1.0}]
    rows += [{"epoch": 2, "d_loss": 0.0, "g_loss": 0.0, "wake_loss": 0.5, "digit_information": 2.0}]
    (losses, _) = curves.charts(rows, CodeSpec.parse("digit:categorical(3)"))
    np.testing.assert_array_equal(drawn[0]["D"], [1.2, np.nan])
    np.testing.assert_array_equal(drawn[0]["Q on real images"], [np.nan, 0.5])
    assert "D from 1.2 to 1.2, G from 0.8 to 0.8, Q on real images from 0.5 to 0.5" in losses["alt"]
    curves.charts([row | {"wake_loss": 0.0} for row in rows], CodeSpec.parse("digit:categorical(3)"))
    assert list(drawn[2]) == ["D", "G"]


def test_every_code_has_its_traversals(text, workdir):
    model = workdirs.load(workdir)
    grids = [grid for name in ("digit", "slant", "style") for grid in traverse(model, name)]
    shown = [attributes for attributes, _ in Page(text).all("img") if "rows of generated" in attributes["alt"]]
    assert len(shown) == len(grids) == 4
    for attributes, grid in zip(shown, grids, strict=True):
        assert f"along {grid.title}, from {grid.labels[0]} to {grid.labels[-1]}" in attributes["alt"]
        assert (decode(attributes["src"]) == pictures.tile(grid.images)).mean() > 0.99  # a gray may round otherwise


def test_images_stand_in_the_row_of_the_category_that_q_gives_them(text, probs):
    """Read off the pictures: every image in a row has that category, at most 12, the most probable ones in order."""
    images = images_of("test").images[..., 0]
    rows = Tables(text).of("digit: the most certain")
    assert rows[0] == ["label", "images"]
    for category, (name, src) in enumerate(rows[1:]):
        members = np.flatnonzero(probs.argmax(axis=1) == category)
        assert re.search(rf"category {category},? {len(members)} images$", name)
        expected = sorted(members, key=lambda i: -probs[i].max())[:12]
        picture = decode(src)
        assert picture.shape == (8, 9 * len(expected) - 1)
        shown = [picture[:, 9 * place : 9 * place + 8] for place in range(len(expected))]
        found = [int(np.flatnonzero((images == image).all(axis=(1, 2)))[0]) for image in shown]
        np.testing.assert_allclose(probs[found].max(axis=1), probs[expected].max(axis=1), atol=1e-4)
        assert set(found) <= set(members)


def test_confusion_counts_add_up(text, probs):
    """Every image stands once; the diagonal is what the one-to-one match gets right."""
    rows = Tables(text).of("digit: images by label")
    counts = np.array([[int(cell) for cell in row[1:]] for row in rows[1:]])
    labels, categories = images_of("test").labels, probs.argmax(axis=1)
    order = [int(name) for name in rows[0][1:]]
    assert sorted(order) == [0, 1, 2, 3]
    for label, place in np.ndindex(counts.shape):
        assert counts[label, place] == ((labels == label) & (categories == order[place])).sum()
    scores = Tables(text).of("Clustering scores")[1]
    assert scores[1] == f"{100 * np.trace(counts) / IMAGES:.2f} %"
    assert float(scores[3]) == pytest.approx(metrics.normalized_mutual_info_score(labels, categories), abs=6e-4)
    names = [row[0] for row in Tables(text).of("digit: the most certain")[1:]]
    for category, label in zip(order[:3], LABELS, strict=True):
        assert names[category].startswith(f"{label} category {category}, ")
    assert names[order[3]].startswith(f"category {order[3]} ")


def test_information_beside_what_there_can_be(text, probs):
    header, *rows = Tables(text).of("In nats")
    assert header == ["code", "kind", "lambda", "bound", "entropy", "maximum", "on real images"]
    assert [row[:3] for row in rows] == [
        ["digit", "categorical", "1"],
        ["slant", "uniform", "0.1"],
        ["style", "gaussian", "0.1"],
    ]
    np.testing.assert_allclose([float(row[4]) for row in rows], [np.log(4), np.log(2), 2.838], atol=6e-4)
    assert float(rows[0][3]) <= float(rows[0][5]) == pytest.approx(np.log(4), abs=6e-4)
    assert float(rows[0][6]) == pytest.approx(real_information(probs), abs=6e-4)
    assert [row[6] for row in rows[1:]] == ["", ""]


def test_commands(text, workdir):
    """The values that flags can give; of the others the page says so."""
    lines = Page(text).text("code", **{"class": "commands"}).splitlines()
    quoted = f"'--workdir={workdir}'"
    assert lines[0].startswith(f"infogan-train --preset=mnist {quoted} ")
    assert "--batch_size=8" in lines[0]
    assert "image_shape" not in lines[0]
    assert "No flag gives image_shape:" in Page(text).text("section", id="rerun")
    assert lines[1:] == [
        f"infogan-evaluate {quoted} --split=test",
        f"infogan-report {quoted} --split=test",
        f"infogan-export {quoted} '--base=models/my <run>'",
    ]


# ---------------------------------------------------------------- what need not be there


@pytest.fixture
def copy(workdir, tmp_path) -> Path:
    """A workdir that a test may change."""
    for name in ("config.json", "model.keras"):
        (tmp_path / name).write_bytes((workdir / name).read_bytes())
    return tmp_path


def test_images_without_labels(copy, monkeypatch):
    monkeypatch.setattr(datasets, "load", unlabelled)
    found = page.write(copy, out=copy / "new" / "page.html").read_text()
    assert [attributes["id"] for attributes, _ in Page(found).all("section")] == [
        name
        for name in SECTIONS
        if name not in {"curves", "confusion"}  # no metrics.csv either
    ]
    assert Tables(found).of("digit: the most certain")[0] == ["category", "images"]
    assert sorted(path.name for path in copy.iterdir()) == ["config.json", "model.keras", "new"]
    assert [path.name for path in (copy / "new").iterdir()] == ["page.html"]


def evaluation(split: str, **others) -> dict:
    """As `infogan-evaluate` writes it, with numbers that no model has."""
    bounds = {name: {"bound": 0.123, "entropy": 1.0, "maximum": 2.0} for name in ("digit", "slant", "style")}
    scores = {"digit": {"acc": 0.1234, "purity": 0.2, "nmi": 0.3, "ari": 0.4}}
    found = {"information": bounds, "clustering": scores}
    return {"dataset": "mnist", "split": split, "checkpoint": "last", **found, **others}


@pytest.mark.parametrize(
    ("split", "checkpoint", "used"), [("test", "last", True), ("train", "last", False), ("test", "best", False)]
)
def test_an_evaluation_is_used_if_it_is_of_the_split_and_the_model(copy, monkeypatch, split, checkpoint, used):
    monkeypatch.setattr(datasets, "load", labelled)
    found = evaluation(split, checkpoint=checkpoint, fidelity={"frechet_distance": 12.3456})
    (copy / "evaluation.json").write_text(json.dumps(found))
    found = page.write(copy).read_text()
    assert (Tables(found).of("Clustering scores")[1][1] == "12.34 %") == used
    assert (Tables(found).of("In nats")[2][3] == "0.123") == used
    assert ("frechet distance" in found) == used
    if used:
        assert Tables(found).of("Generated images beside real ones")[1:] == [["frechet distance", "12.35"]]


@pytest.mark.parametrize("content", [{"mig": 0.25, "sap": 1}, {"dataset": "a<b", "scores": {"mig": 0.25, "sap": 1}}])
def test_disentanglement_with_its_heat_map(copy, monkeypatch, content):
    monkeypatch.setattr(datasets, "load", labelled)
    (copy / "disentanglement.json").write_text(json.dumps(content))
    heat_map = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(heat_map).save(copy / "disentanglement.png")
    found = page.write(copy).read_text()
    assert Tables(found).of("How the codes stand")[1:] == [["mig", "0.25"], ["sap", "1"]]
    assert html.escape(content.get("dataset", "")) in found
    (src,) = (attributes["src"] for attributes, _ in Page(found).all("img") if "Heat map" in attributes["alt"])
    np.testing.assert_array_equal(decode(src), heat_map)


def test_starts(copy, monkeypatch):
    monkeypatch.setattr(datasets, "load", labelled)
    (copy / "starts").mkdir()
    (copy / "starts" / "chosen.json").write_text('{"seed": 7, "stable_information": {"6": 0.75, "7": 1.25}}')
    found = Tables(page.write(copy).read_text()).of("The starts")
    assert found[1:] == [["6", "0.75", ""], ["7", "1.25", "went on"]]


def test_a_file_that_is_damaged_is_named(copy, monkeypatch):
    monkeypatch.setattr(datasets, "load", labelled)
    (copy / "evaluation.json").write_text("{")
    with pytest.raises(ValueError, match=r"evaluation\.json is no JSON file"):
        page.write(copy)
    (copy / "evaluation.json").unlink()
    (copy / "metrics.csv").write_text("epoch,d_loss\n0,high\n")
    with pytest.raises(ValueError, match=r"metrics\.csv does not hold a number .* 'high'"):
        page.write(copy)
    assert not (copy / "report.html").exists()


# ---------------------------------------------------------------- which images


def test_rows_of_categories():
    probs = np.array([[0.6, 0.4, 0], [0.1, 0.9, 0], [0.8, 0.2, 0], [0.5, 0.5, 0], [1, 0, 0]])
    rows = real_images.of_each_category(probs, count=3)
    assert [row.tolist() for row in rows] == [[4, 2, 0], [1], []]


def test_from_low_to_high_is_in_equal_steps_of_rank():
    values = np.array([5.0, -1, 3, 100, 4])
    assert real_images.from_low_to_high(values, count=3).tolist() == [1, 4, 3]
    assert real_images.from_low_to_high(values, count=9).tolist() == [1, 2, 4, 0, 3]


@pytest.mark.parametrize(("code", "suffix"), [(Bernoulli("flags", 2), "probs"), (Circular("angle"), "mean")])
def test_codes_that_are_no_categories_have_a_row_for_each_dimension(code, suffix):
    data = images_of("test")
    values = np.random.default_rng(0).random((IMAGES, 2 if code.kind == "bernoulli" else 1))
    rows = real_images.numbers(code, {f"{code.name}_{suffix}": values}, data)
    assert [row["title"] for row in rows] == (["flags[0]", "flags[1]"] if suffix == "probs" else ["angle"])
    for row, column in zip(rows, values.T, strict=True):
        assert (row["low"], row["high"]) == (column.min(), column.max())
        picture = decode(row["src"])
        np.testing.assert_array_equal(picture[:, :8], data.images[column.argmin(), ..., 0])
        np.testing.assert_array_equal(picture[:, -8:], data.images[column.argmax(), ..., 0])


def test_colour_images_keep_their_colours():
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    data = ImageSet(images, None, ())
    rows = real_images.categories(Categorical("kind", 2), np.tile([0.9, 0.1], (5, 1)), data)["rows"]
    np.testing.assert_array_equal(decode(rows[0]["src"])[:, :4], images[0])
    assert rows[1] == {"label": None, "images": 0, "src": None, "shown": 0}
