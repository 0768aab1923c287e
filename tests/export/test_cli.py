"""`infogan-export --republish` and `--keep`, as a process."""

import shutil

import pytest

from infogan_export import export
from tests import tiny
from tests.export.conftest import checks_in_process
from tests.test_cli import command, succeed


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Versions 1 and 2."""
    base = tmp_path_factory.mktemp("models") / "digits"
    with checks_in_process():
        export(tiny.model("digit:categorical(3)"), base)
    shutil.copytree(base / "1", base / "2")
    return base


@pytest.mark.parametrize(
    ("flags", "texts"),
    [
        (["--base=y"], ["workdir", "republish"]),
        (["--base=y", "--workdir=x", "--republish=1"], ["workdir", "republish"]),
        (["--base=y", "--republish=1"], ["y has no version 1; versions: none"]),
        (["--base={base}", "--republish=7"], ["has no version 7; versions: 1, 2"]),
        (["--base={base}", "--republish=1", "--version=2"], ["2 exists; versions are never overwritten"]),
        (["--base={base}", "--workdir=x", "--version=2"], ["2 exists; versions are never overwritten"]),
        (["--base=y", "--workdir=x", "--keep=1"], ["keep", "integer >= 2"]),
        (["--base={base}", "--republish=1", "--max_batch_size=8"], ["--max_batch_size: only with --workdir"]),
        (
            ["--base={base}", "--republish=1", "--keep_precision", "--checkpoint=last"],
            ["--checkpoint, --keep_precision"],
        ),
    ],
    ids=" ".join,
)
def test_mistakes_come_before_tensorflow(base, flags, texts):
    process = command("export", *(flag.format(base=base) for flag in flags))
    assert process.returncode != 0
    assert process.stdout.split()[-1] == "False"
    assert "Traceback" not in process.stderr
    for text in texts:
        assert text in process.stderr + process.stdout
    assert {path.name for path in base.iterdir()} == {"1", "2"}


def test_back_to_an_old_version(base, tmp_path):
    base = shutil.copytree(base, tmp_path / "digits")
    out = succeed("export", f"--base={base}", "--republish=1", "--keep=2")
    assert f"written to {base / '3'}" in out
    assert f"removed {base / '1'}" in out
    assert {path.name for path in base.iterdir()} == {"2", "3"}
