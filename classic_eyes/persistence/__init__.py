"""Model files: the estimator in joblib's or skops's format, its compiled form in numpy's, and a card in JSON.

Every file is written whole or not at all, and proves itself when it is read: it carries a few images and its own
answers about them, and whoever reads it asks again.
"""

from .estimators import ALLOWED_TYPES, ENDINGS, FORMAT, check_skops, describe_skops, read_model, write_model
from .files import card_path, compiled_path, library_versions, read_card, read_whole, sha256, told_by_content
from .npz import COMPILED_FORMAT, read_compiled, read_header, write_compiled

__all__ = [
    "ALLOWED_TYPES",
    "COMPILED_FORMAT",
    "ENDINGS",
    "FORMAT",
    "card_path",
    "check_skops",
    "compiled_path",
    "describe_skops",
    "library_versions",
    "read_card",
    "read_compiled",
    "read_header",
    "read_model",
    "read_whole",
    "sha256",
    "told_by_content",
    "write_compiled",
    "write_model",
]
