"""What the generator takes, z and c, from what the caller wants fixed; the rest is drawn from the prior."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from infogan_serving.codes import by_name, draw, encode


def latents(
    description: Mapping[str, Any],
    codes: Mapping[str, Any],
    n: int | None = None,
    z: ArrayLike | None = None,
    c: ArrayLike | None = None,
    seed: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Noise and codes for one request.

    Args:
        description: what the signature `describe` returns.
        codes: value by code name, as `codes.encode` takes it.
        n: number of images; by default the length of the arrays given, else 1.
        z: noise, [noise_size] for all images or [n, noise_size]; by default drawn from N(0, I).
        c: the flat code vector, [code_size] or [n, code_size], in place of `codes`.
        seed: of the draws. They do not depend on what is fixed: with one seed, changing one code leaves the
            noise and the other codes as they were.

    Returns:
        z [n, noise_size] and c [n, code_size], float32.

    Raises:
        ValueError: naming the argument and what would be right.
    """
    specs = by_name(description, codes)
    if c is not None and codes:
        raise ValueError(f"Give either c or codes by name, not both: {', '.join(codes)}")
    labels = description["label_match"]
    parts = {name: encode(specs[name], value, labels.get(name, ())) for name, value in codes.items()}
    whole = {
        name: _vectors(name, value, description[size])
        for name, value, size in (("z", z, "noise_size"), ("c", c, "code_size"))
        if value is not None
    }
    n = _batch_size(n, {**parts, **whole})

    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, description["noise_size"]), dtype=np.float32)
    flat = np.empty((n, description["code_size"]), dtype=np.float32)
    for name, code in specs.items():
        drawn = draw(code, n, rng)
        flat[:, code["offset"] : code["offset"] + code["size"]] = parts.get(name, drawn)
    return (
        np.broadcast_to(whole.get("z", noise), noise.shape),
        np.broadcast_to(whole.get("c", flat), flat.shape),
    )


def _vectors(name: str, value: ArrayLike, size: int) -> np.ndarray:
    vectors = np.asarray(value, dtype=np.float32)
    if vectors.ndim not in {1, 2} or vectors.shape[-1] != size:
        raise ValueError(f"{name} takes shape [{size}] or [n, {size}], not {list(vectors.shape)}")
    return vectors


def _batch_size(n: int | None, parts: Mapping[str, np.ndarray]) -> int:
    """`n`, or the length of the parts that have one row per image (rank 2), or 1."""
    lengths = {name: len(part) for name, part in parts.items() if part.ndim == 2}
    if n is not None:
        lengths = {"n": n, **lengths}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ValueError(f"Different numbers of images are asked for: {text}")
    size = next(iter(lengths.values()), 1)
    if size < 1:
        raise ValueError(f"At least one image must be asked for, not {size}")
    return size
