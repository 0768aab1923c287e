"""Serving of exported InfoGAN models: a client for TensorFlow Serving, and a local stand-in for the server.

Importing this imports neither TensorFlow nor infogan_tf; `infogan_serving.local` does the former.
"""

from infogan_serving.client import Client, ServingError, UnavailableError

__all__ = ["Client", "ServingError", "UnavailableError"]
