"""A small fitted classifier."""

from __future__ import annotations

import pytest

from classic_eyes import EyeClassifier
from classic_eyes.synthetic import make_eyes


@pytest.fixture(scope="session")
def small_classifier():
    eyes = make_eyes(160, random_state=9)
    clf = EyeClassifier(("hog",), "svm", n_components=30, n_copies=0, n_synthetic=0, detect_non_eyes=False)
    return clf.fit(eyes.images, eyes.labels)
