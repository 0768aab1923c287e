"""`infogan-traverse`: images along one code, as a grid or an animation."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from infogan_tf.cli import define_path, run_app

WORKDIR = define_path("workdir", None, "Folder of the run.", required=True)
CODE = flags.DEFINE_string("code", None, "Name of the code to move along.", required=True)
OUT = define_path("out", None, "File to write: .png for a grid, .gif for an animation.", required=True)
ROWS = flags.DEFINE_integer("rows", 10, "Images that move, each with noise of its own.", lower_bound=1)
COLUMNS = flags.DEFINE_integer("columns", 10, "Steps from -2 to 2 (an angle: round the circle).", lower_bound=2)
SEED = flags.DEFINE_integer("seed", 0, "Of the noise and of the other codes.", lower_bound=0)


@flags.validator("out", "the file must end in .png or .gif")
def _known_format(path: str) -> bool:
    return path.endswith((".png", ".gif"))


def _main() -> None:
    from infogan_tf import pictures, workdirs  # noqa: PLC0415 - imports TensorFlow
    from infogan_tf.traversal import traverse  # noqa: PLC0415

    model = workdirs.load(WORKDIR.value)
    grids = traverse(model, CODE.value, ROWS.value, COLUMNS.value, SEED.value)
    out = Path(OUT.value)
    if out.suffix == ".png":
        pictures.save_traversals(grids, out)
        print(f"written to {out}")
        return
    for dim, grid in enumerate(grids):
        path = out if len(grids) == 1 else out.with_stem(f"{out.stem}-{dim}")
        pictures.save_gif(grid, path)
        print(f"written to {path}")


def main() -> None:
    """Entry point of `infogan-traverse`."""
    run_app(_main)


if __name__ == "__main__":
    main()
