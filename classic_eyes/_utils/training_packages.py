"""To import before scikit-learn: an installation for prediction alone is named as such, with the remedy."""

from __future__ import annotations

from .dependencies import check_training_packages

check_training_packages()
