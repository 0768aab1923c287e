"""Sets of images: in memory, or read when they are asked for."""

from __future__ import annotations

import abc
import contextlib
import copy
import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class LazyImages(abc.ABC):
    """uint8 [n, height, width, channels] that need not fit into memory; indexed along its first axis like an array.

    Subclasses say in `_read` how images come from their numbers.

    Args:
        numbers: int64 [n], the number of each image; any order, any part of what there is.
        image_shape: (height, width, channels).
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, numbers: np.ndarray, image_shape: tuple[int, int, int]) -> None:
        self._numbers = numbers
        self.shape = (len(numbers), *image_shape)

    @abc.abstractmethod
    def _read(self, numbers: np.ndarray) -> np.ndarray:
        """The images of these numbers: uint8 [len(numbers), height, width, channels]."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        numbers = self._numbers[rows]
        return self._read(numbers) if np.ndim(numbers) else self._read(np.array([numbers]))[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def select(self, rows: np.ndarray) -> LazyImages:
        """The images of these rows, still unread."""
        part = copy.copy(self)
        LazyImages.__init__(part, self._numbers[rows], self.shape[1:])
        return part


class FileImages(LazyImages):
    """Images whose raw pixels lie in files.

    Args:
        paths: The files, which stay open: what replaces them later is not seen.
        file_of: int [n], the index in `paths` of each image's file.
        offsets: int64 [n], where in its file each image begins.
        image_shape: (height, width, channels).
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        file_of: np.ndarray,
        offsets: np.ndarray,
        image_shape: tuple[int, int, int],
    ) -> None:
        super().__init__(np.arange(len(offsets)), image_shape)
        _allow_files(len(paths))
        self._files = [open(path, "rb", buffering=0) for path in paths]  # noqa: SIM115 - as long as the images
        self._file_of = file_of
        self._offsets = offsets

    def _read(self, numbers: np.ndarray) -> np.ndarray:
        images = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for image, number in zip(images, numbers, strict=True):
            file = self._files[self._file_of[number]]
            if os.preadv(file.fileno(), [image], self._offsets[number]) != image.nbytes:
                raise OSError(f"{file.name} has become shorter while it was read")
        return images


def _allow_files(more: int) -> None:
    """Lets this process open so many more files, as far as the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        wanted = soft + more if hard == resource.RLIM_INFINITY else min(soft + more, hard)
        with contextlib.suppress(ValueError):  # macOS has another limit beside the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class ImageSet(NamedTuple):
    """Images and, for evaluation only, their labels.

    Attributes:
        images: uint8 [n, height, width, channels].
        labels: int64 [n], or None.
        label_names: What label i is called.
    """

    images: np.ndarray | LazyImages
    labels: np.ndarray | None
    label_names: tuple[str, ...]

    def select(self, rows: np.ndarray) -> ImageSet:
        """The part with these rows, in their order."""
        images = self.images.select(rows) if isinstance(self.images, LazyImages) else self.images[rows]
        return ImageSet(images, None if self.labels is None else self.labels[rows], self.label_names)


class DatasetUnavailableError(RuntimeError):
    """A data set can be neither read nor downloaded; the message is one line with what to do."""
