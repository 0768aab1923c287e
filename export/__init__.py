"""From a trained model to a directory that TensorFlow Serving serves: `export`."""

from infogan_export.exporter import ExportError, export

__all__ = ["ExportError", "export"]
