"""A run as one HTML page that needs no other file; see `write`."""

from infogan_tf.page.page import write

__all__ = ["write"]
