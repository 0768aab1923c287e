"""A model and its versions: the numeric folders below a base path, watched.

What TensorFlow Serving does with its default policies, latest{1} and availability-preserving
(tensorflow_serving/core/availability_preserving_policy.cc), except that a version that fails to load is not
tried again until it goes and comes back.
"""

import gc
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from absl import logging
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus

from infogan_serving.local import warmup
from infogan_serving.local.errors import RequestError, code_of, invalid
from infogan_serving.local.servable import Servable
from infogan_serving.status_codes import StatusCode

MAX_VERSION = 2**63 - 1


class Model:
    """Serves the highest version below `base_path` under `name`.

    With `warm`, a version must answer its warm-up requests before it is available.
    """

    def __init__(self, name: str, base_path: Path, warm: bool = True) -> None:
        self.name = name
        self.base_path = base_path
        self._warm = warm
        self._aspired: int | None = None
        # Both are replaced, never changed: requests read them without a lock.
        self._loaded: dict[int, Servable] = {}
        self._status: dict[int, ModelVersionStatus] = {}

    def servable(self, name: str, version: int | None, label: str | None) -> tuple[int, Servable]:
        """A loaded version and its number; without `version` the highest.

        Raises:
            RequestError: 404, it is not there; 400, there is a label, as none is ever assigned.
        """
        if label is not None:
            raise invalid(f"Unrecognized servable version label: {label}")
        loaded = self._loaded
        found = max(loaded, default=None) if version is None else version
        if name != self.name or found not in loaded:
            asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RequestError(StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        return found, loaded[found]

    def status(self, name: str, version: int | None) -> GetModelStatusResponse:
        """Every version that was ever seen, or `version` alone; newest first.

        Raises:
            RequestError: 404.
        """
        known = self._status if name == self.name else {}
        entries = [known[number] for number in sorted(known, reverse=True) if version in (None, number)]
        if not entries:
            asked = "any versions" if version is None else f"version {version}"
            raise RequestError(StatusCode.NOT_FOUND, f"Could not find {asked} of model {name}")
        return GetModelStatusResponse(model_version_status=entries)

    @contextmanager
    def watched(self, poll_seconds: float) -> Iterator[None]:
        """Loads a version, waiting for one to appear, and follows the base path until the context ends.

        Args:
            poll_seconds: time between two looks; 0: only one.

        Raises:
            FileNotFoundError: there is no base path, or with `poll_seconds` 0 no version in it.
            RuntimeError: the version does not load.
        """
        self._poll()
        while not self._loaded:
            if self._aspired is not None:
                text = self._status[self._aspired].status.error_message
                raise RuntimeError(f"{self.base_path}: version {self._aspired} does not load: {text}")
            if not poll_seconds:
                raise FileNotFoundError(f"{self.base_path}: no version folder (a number) in it")
            logging.log_every_n_seconds(logging.INFO, "Waiting for a version in %s", 60, self.base_path)
            time.sleep(poll_seconds)
            self._poll()
        stop = threading.Event()
        thread = threading.Thread(target=self._follow, args=(poll_seconds, stop), name="versions")
        if poll_seconds:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            if poll_seconds:
                thread.join()

    def _follow(self, poll_seconds: float, stop: threading.Event) -> None:
        while not stop.wait(poll_seconds):
            try:
                self._poll()
            except OSError as error:  # the base path is away: nothing is unloaded
                logging.error("%s", error)

    def _poll(self) -> None:
        folders = {
            int(path.name): path
            for path in self.base_path.iterdir()
            if re.fullmatch(r"[0-9]+", path.name) and int(path.name) <= MAX_VERSION
        }
        aspired = max(folders, default=None)
        if aspired == self._aspired:
            return
        self._aspired = aspired
        if aspired is not None and aspired not in self._loaded and not self._load(aspired, folders[aspired]):
            return
        for version in self._loaded.keys() - {aspired}:
            self._set_status(version, ModelVersionStatus.UNLOADING)
            self._loaded = {other: kept for other, kept in self._loaded.items() if other != version}
            self._set_status(version, ModelVersionStatus.END)
        gc.collect()  # a SavedModel holds itself in cycles, and its weights with it

    def _load(self, version: int, folder: Path) -> bool:
        self._set_status(version, ModelVersionStatus.LOADING)
        try:
            servable = Servable(folder)
            if self._warm:
                warmup.replay(folder, servable)
        except Exception as error:
            logging.error("%s does not load: %s", folder, error)
            self._set_status(version, ModelVersionStatus.END, code_of(error), str(error))
            return False
        self._loaded = {**self._loaded, version: servable}
        self._set_status(version, ModelVersionStatus.AVAILABLE)
        logging.info("Loaded %s", folder)
        return True

    def _set_status(self, version: int, state: int, code: StatusCode = StatusCode.OK, message: str = "") -> None:
        entry = ModelVersionStatus(version=version, state=state)
        entry.status.error_code = code.number
        entry.status.error_message = message
        self._status = {**self._status, version: entry}
