"""Identical images: one group, and one label."""

from __future__ import annotations

import shutil

import numpy as np

from classic_eyes.datasets import EyeSet, group_folds, load_images, read_eyes
from classic_eyes.datasets.identical import describe_contradictions, join_identical

from ..conftest import write_labelled


def set_of(groups, labels=None):
    names = [f"{k}.png" for k in range(len(groups))]
    return EyeSet(names, labels or [1] * len(groups), groups, names)


def images_of(*kinds):
    """Return images that are equal where the numbers are; 0 is a black one."""
    rng = np.random.default_rng(0)
    kind = {k: rng.integers(1, 255, (24, 24), np.uint8) for k in sorted(set(kinds))} | {0: np.zeros((24, 24), np.uint8)}
    return np.stack([kind[k] for k in kinds])


def test_groups_with_identical_images_are_joined_also_through_others():
    joined = join_identical(set_of(["d", "a", "b", "b", "c", "e"]), images_of(1, 2, 1, 3, 3, 4)).groups.tolist()
    assert joined == ["b", "a", "b", "b", "b", "e"]


def test_flat_images_join_nothing():
    eyes = set_of(["a", "b", "c"], [0, 1, 1])
    assert join_identical(eyes, images_of(0, 0, 1)) is eyes
    assert describe_contradictions(eyes.labels, eyes.names, images_of(0, 0, 1)) is None


def test_loaded_images_are_on_one_side_of_a_split(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 12)
    for number in range(6):
        shutil.copy(folder / f"{number:03}.png", folder / f"copy{number}.png")
    with (folder / "assets.csv").open("a") as file:
        file.writelines(f"copy{number}.png,1\n" for number in range(6))
    data = load_images(read_eyes(folder))
    assert len(np.unique(data.eyes.groups)) == 12
    for train, test in group_folds(data.eyes.labels, data.eyes.groups, 3):
        assert not {data.images[k].tobytes() for k in train} & {data.images[k].tobytes() for k in test}


def test_contradictions_count_each_image_once_and_unknown_is_none():
    eyes = set_of(["x"] * 8, [1, 0, 0, 1, -1, 1, 0, 1])
    message = describe_contradictions(eyes.labels, eyes.names, images_of(1, 1, 1, 2, 2, 3, 4, 3))
    assert message == ("1 image is there twice with different labels, for example '0.png' (open) and '1.png' (closed)")
