"""Command lines: thin absl flags over importable functions."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from absl import app, flags
from absl import logging as absl_logging

flags.disclaim_key_flags()  # a path's flag belongs to the command that defines it


class _Path(flags.ArgumentParser):
    def parse(self, argument: str) -> str:
        return os.path.expanduser(argument)


def define_path(name: str, default: str | None, help: str, **options: Any) -> flags.FlagHolder:
    """Like `flags.DEFINE_string`, for a path: in --workdir=~/run the shell leaves the ~ as it is."""
    return flags.DEFINE(_Path(), name, default, help, flags.FLAGS, flags.ArgumentSerializer(), **options)


def run_app(main: Callable[..., None], arguments: str | None = None) -> None:
    """`app.run` for commands whose users want one clear line, not a traceback, for what they can mend.

    `--verbosity=1` (absl's debug level) shows the traceback.

    Args:
        main: The command; called with the words that are not flags if it takes any.
        arguments: What those words are, for messages; None if there may be none.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for flag in flags.FLAGS.get_key_flags_for_module(main.__module__):
        # --help lists the key flags of the script that was started; here that is an installed entry point.
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)

    def guarded(argv: list[str]) -> None:
        words = argv[1:]
        if words and not arguments:
            raise app.UsageError(f"unexpected arguments: {' '.join(words)}")
        if arguments and not words:
            raise app.UsageError(f"{arguments} needed")
        if flags.FLAGS.verbosity == absl_logging.INFO:  # for this project; of the libraries below it only warnings
            flags.FLAGS.verbosity = absl_logging.WARNING
            logging.getLogger("tensorflow").setLevel(logging.WARNING)
            logging.getLogger("infogan_tf").setLevel(logging.INFO)
        try:
            main(*([words] if arguments else []))
        except (KeyError, ValueError, RuntimeError, OSError) as error:
            if flags.FLAGS.verbosity > 0:
                raise
            message = error.args[0] if isinstance(error, KeyError) else error
            sys.exit(f"{os.path.basename(sys.argv[0])}: error: {message}")

    app.run(guarded)
