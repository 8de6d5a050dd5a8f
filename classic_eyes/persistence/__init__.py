"""Model files: the compiled model (.npz), the estimator (.joblib, .skops) and the card (.json).

Every file is written whole or not at all. A ``.npz`` file carries a few images and its predictions on them, which are
repeated when it is read.
"""

from .card import card_path, make_card, read_about, read_card
from .estimators import ALLOWED_TYPES, ENDINGS, check_skops, describe_skops, read_estimator
from .files import kind_of, library_versions, npz_path, read_whole, sha256
from .npz import pack_program, read_header, read_npz, write_npz
from .saving import check_target, save_classifier

__all__ = [
    "ALLOWED_TYPES",
    "ENDINGS",
    "card_path",
    "check_skops",
    "check_target",
    "describe_skops",
    "kind_of",
    "library_versions",
    "make_card",
    "npz_path",
    "pack_program",
    "read_about",
    "read_card",
    "read_estimator",
    "read_header",
    "read_npz",
    "read_whole",
    "save_classifier",
    "sha256",
    "write_npz",
]
