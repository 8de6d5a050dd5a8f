"""Model files: the compiled model (.npz), the estimator (.joblib, .skops) and the card (.json).

Every file is written whole or not at all. A ``.npz`` file carries a few images and its predictions on them, which are
repeated when it is read.
"""

from .._utils import dependencies  # noqa: F401
