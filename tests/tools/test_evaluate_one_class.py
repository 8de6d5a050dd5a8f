"""Folders of one class, and of two with a given share of open eyes."""

from __future__ import annotations

import numpy as np
import pytest

from tools.evaluate_one_class import choose


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_chosen_images_have_the_share_of_open_eyes(share):
    labels = np.repeat([0, 1], [300, 100]).astype(np.int8)
    chosen = choose(labels, share)
    assert len(chosen) == len(np.unique(chosen)) == 100
    assert labels[chosen].mean() == pytest.approx(share)
