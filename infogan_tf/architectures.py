"""The networks as tables, row for row as in the paper (Chen et al., 2016, appendix C). Imports no TensorFlow.

After each product come its normalisation and an activation: leaky ReLU in trunk and posterior head, ReLU in the
generator. Convolutions, and transposed ones ("upconv"), have 4x4 kernels. The tables leave out what all networks share:
the discriminator head, FC 1; the last FC of the posterior head, to the parameters of Q(c|x); the last upconv of the
generator, stride 2, to the image's channels, with a sigmoid. The paper ends colour images with a tanh, its images being
in [-1, 1]; here they are in [0, 1], and (1 + tanh x) / 2 = sigmoid(2x) is the same family of functions.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

BATCH: Literal["batch"] = "batch"
SPECTRAL: Literal["spectral"] = "spectral"
Norm = Literal["batch", "spectral"] | None


@dataclasses.dataclass(frozen=True)
class Row:
    """A product and its normalisation.

    Attributes:
        kind: "fc"; "maps", an FC to feature maps, as large as the upconvs after it make an image of; "conv"; "upconv".
        units: Units, maps or filters.
        norm: "batch" of what comes out, which then needs no bias; "spectral" of the kernel; or None.
        stride: By which a conv divides height and width, and an upconv multiplies them.
    """

    kind: Literal["fc", "maps", "conv", "upconv"]
    units: int
    norm: Norm = None
    stride: int = 1


def fc(units: int, norm: Norm = None) -> Row:
    """Fully connected."""
    return Row("fc", units, norm)


def maps(channels: int, norm: Norm = None) -> Row:
    """Fully connected, to feature maps."""
    return Row("maps", channels, norm)


def conv(filters: int, stride: int, norm: Norm = None) -> Row:
    """4x4 convolution."""
    return Row("conv", filters, norm, stride)


def upconv(filters: int, stride: int, norm: Norm = None) -> Row:
    """4x4 transposed convolution."""
    return Row("upconv", filters, norm, stride)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Tables of the networks.

    Attributes:
        trunk: What D and Q share, from an image to features.
        posterior_head: From features to the last FC of Q.
        generator: From (z, c) to the last upconv of G.
        logit_norm: Of the discriminator head.
    """

    trunk: tuple[Row, ...]
    posterior_head: tuple[Row, ...]
    generator: tuple[Row, ...]
    logit_norm: Norm = None


TABLES = {
    # Table 1, 28x28x1: maps of 7x7.
    "mnist": Architecture(
        trunk=(conv(64, 2), conv(128, 2, BATCH), fc(1024, BATCH)),
        posterior_head=(fc(128, BATCH),),
        generator=(fc(1024, BATCH), maps(128, BATCH), upconv(64, 2, BATCH)),
    ),
    # Tables 2 and 3, SVHN and CelebA, 32x32x3: maps of 2x2.
    "svhn": Architecture(
        trunk=(conv(64, 2), conv(128, 2, BATCH), conv(256, 2, BATCH)),
        posterior_head=(fc(128, BATCH),),
        generator=(maps(448, BATCH), upconv(256, 2, BATCH), upconv(128, 2), upconv(64, 2)),
    ),
    # Faces, 32x32x1: maps of 8x8; of Q's head only the last FC.
    "faces": Architecture(
        trunk=(conv(64, 2), conv(128, 2, BATCH), fc(1024, BATCH)),
        posterior_head=(),
        generator=(fc(1024, BATCH), maps(128, BATCH), upconv(64, 2, BATCH)),
    ),
    # Chairs, 64x64x1: maps of 8x8; of Q's head only the last FC.
    "chairs": Architecture(
        trunk=(
            *(conv(64, 2), conv(128, 2, BATCH), conv(256, 2, BATCH), conv(256, 1, BATCH), conv(256, 1, BATCH)),
            fc(1024, BATCH),
        ),
        posterior_head=(),
        generator=(
            *(fc(1024, BATCH), maps(256, BATCH), upconv(256, 1, BATCH), upconv(256, 1, BATCH)),
            *(upconv(128, 2, BATCH), upconv(64, 2, BATCH)),
        ),
    ),
    # Not the paper's: sprites, 64x64x1: maps of 4x4.
    "sprites": Architecture(
        trunk=(conv(32, 2), conv(64, 2, BATCH), conv(64, 2, BATCH), conv(128, 2, BATCH), fc(256, BATCH)),
        posterior_head=(fc(128, BATCH),),
        generator=(fc(256, BATCH), maps(128, BATCH), upconv(64, 2, BATCH), upconv(64, 2, BATCH), upconv(32, 2, BATCH)),
    ),
}
NAMES = (*TABLES, "images")


def get(name: str, image_shape: tuple[int, int, int]) -> Architecture:
    """The tables called `name`: one of `TABLES`, or "images", which depends on the size of the images.

    Raises:
        ValueError: There are none of this name, or not for this size.
    """
    if name == "images":
        return _of_size(image_shape)
    if name not in TABLES:
        raise ValueError(f"no architecture {name!r}; there are {', '.join(NAMES)}")
    return TABLES[name]


def _of_size(image_shape: tuple[int, int, int]) -> Architecture:
    """For pictures of any size: as many halvings as lead to 4 to 7 pixels, where there are 256 filters.

    Each halving before has half as many filters, so that all cost the same and a network's cost grows with the
    logarithm of the size; no dense layer grows with it. At 32x32 D's filters are those of the paper for SVHN. Spectral
    normalisation in D (Miyato et al., 2018) instead of that by batches.
    """
    size, halvings = min(image_shape[:2]), 0
    while size >= 8 and all(side % 2 ** (halvings + 1) == 0 for side in image_shape[:2]):
        size, halvings = size // 2, halvings + 1
    if not halvings or size > 7:
        raise ValueError(
            "architecture images halves height and width until the smaller is 4 to 7, as with 32, 48, 64, 96 or 128; "
            f"got image_shape={tuple(image_shape)}"
        )
    filters = [256 // 2**times for times in reversed(range(halvings))]
    return Architecture(
        trunk=tuple(conv(units, 2, SPECTRAL) for units in filters),
        posterior_head=(fc(128, BATCH),),
        generator=(maps(256, BATCH), *(upconv(units, 2, BATCH) for units in reversed(filters[:-1]))),
        logit_norm=SPECTRAL,
    )
