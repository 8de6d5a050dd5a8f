"""300 synthetic eyes, whose labels are known, and what is computed from them once."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from classic_eyes.semisupervised import (
    VIEW_FEATURES,
    compute_priors,
    find_consensus,
    find_labels,
    make_view,
    make_views,
)
from classic_eyes.synthetic import make_eyes


# Cached, because the benchmarks' tests have these fixtures too.
@cache
def synthetic_eyes():
    return make_eyes(300, random_state=7)


@cache
def synthetic_priors():
    return compute_priors(synthetic_eyes().images)


@cache
def synthetic_view(features):
    return make_view(synthetic_eyes().images, features)


@cache
def synthetic_views():
    return make_views(synthetic_eyes().images)


@cache
def synthetic_consensus():
    return find_consensus(synthetic_views()[: len(VIEW_FEATURES)], synthetic_priors())


@cache
def synthetic_history():
    return find_labels(synthetic_eyes().images, views=synthetic_views(), priors=synthetic_priors())


@pytest.fixture(scope="session")
def eyes():
    return synthetic_eyes()


@pytest.fixture(scope="session")
def priors():
    return synthetic_priors()


@pytest.fixture(scope="session")
def views():
    """Those of `find_labels`."""
    return synthetic_views()


@pytest.fixture(scope="session")
def hog_view():
    return synthetic_view(("hog",))


@pytest.fixture(scope="session")
def consensus():
    return synthetic_consensus()


@pytest.fixture(scope="session")
def history():
    return synthetic_history()


@pytest.fixture(scope="session")
def folds():
    return np.arange(300) % 5
