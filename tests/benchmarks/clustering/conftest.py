"""The fixtures of the tests of `classic_eyes.semisupervised`."""

from ...semisupervised.conftest import consensus, eyes, hog_view, priors, views

__all__ = ["consensus", "eyes", "hog_view", "priors", "views"]
