"""The order of images for labelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classic_eyes.errors import ParameterError
from classic_eyes.labeling import ORDERS, prioritize, queue_images
from classic_eyes.labeling.priority import LabelingQueue


def clustered_rows(n_clusters: int, size: int) -> np.ndarray:
    """Return rows of well separated clusters, one after the other."""
    noise = np.random.default_rng(0).normal(0, 0.01, (n_clusters * size, n_clusters))
    return (np.repeat(np.eye(n_clusters) * 10, size, axis=0) + noise).astype(np.float32)


def test_uncertain_sorts_by_distance_of_the_score_from_half():
    scores = np.array([0.95, 0.52, 0.1, 0.4])
    queue = prioritize(scores, np.zeros((4, 1), np.float32), "uncertain")
    assert queue.positions.tolist() == [1, 3, 2, 0]


def test_priority_spreads_the_frames_of_one_eye_over_the_pages():
    # The 20 frames of the first eye are the most uncertain of all.
    rows = clustered_rows(10, 20)
    scores = np.concatenate([np.linspace(0.5, 0.51, 20), np.linspace(0.6, 0.99, 180)])
    plain = prioritize(scores, rows, "uncertain", page_size=20)
    assert (plain.pages[0] < 20).all()
    spread = prioritize(scores, rows, "priority", page_size=20)
    # The last page takes what is left, which is the least uncertain.
    for page in spread.pages[:-1]:
        assert np.bincount(page // 20, minlength=10).max() <= 6
    first = [k for k in spread.pages[0] if k < 20]
    assert first == sorted(first)
    assert first[0] == 0


def test_cluster_gives_one_cluster_per_page_the_most_certain_first():
    scores = np.concatenate([np.tile([0.4, 0.6], 15), np.full(30, 0.99), np.full(30, 0.3)])
    queue = prioritize(scores, clustered_rows(3, 30), "cluster", page_size=30)
    assert [set((page // 30).tolist()) for page in queue.pages] == [{1}, {2}, {0}]


def test_large_cluster_takes_several_pages():
    queue = prioritize(np.full(100, 0.9), np.zeros((100, 2), np.float32), "cluster", page_size=20)
    assert [len(page) for page in queue.pages] == [40, 40, 20]


@given(
    n=st.integers(1, 60),
    order=st.sampled_from(tuple(ORDERS)),
    page_size=st.integers(1, 25),
    limit=st.none() | st.integers(1, 70),
    seed=st.integers(0, 99),
)
def test_every_image_comes_once_and_the_same_seed_gives_the_same_bytes(n, order, page_size, limit, seed):
    rng = np.random.default_rng(seed)
    scores, rows = rng.random(n), rng.normal(size=(n, 3)).astype(np.float32)
    queue = prioritize(scores, rows, order, page_size=page_size, limit=limit, random_state=seed)
    assert len(set(queue.positions.tolist())) == len(queue.positions) == min(n, limit or n)
    assert queue.positions.min() >= 0
    assert queue.positions.max() < n
    assert all(len(page) for page in queue.pages)
    again = prioritize(scores, rows, order, page_size=page_size, limit=limit, random_state=seed)
    assert again.positions.tobytes() == queue.positions.tobytes()


@pytest.mark.parametrize("limit", [None, 30, 31, 1])
def test_mixed_has_a_random_half_of_all_images_on_every_page(limit):
    rng = np.random.default_rng(0)
    scores, rows = rng.random(100), rng.normal(size=(100, 3)).astype(np.float32)
    how = {"page_size": 10, "limit": limit, "random_state": 3}
    queue = prioritize(scores, rows, "mixed", **how)
    n = limit or 100
    assert len(queue.at_random) == (n + 1) // 2
    for page in queue.pages:
        n_random = sum(k in queue.at_random for k in page.tolist())
        assert n_random in (len(page) // 2, (len(page) + 1) // 2)
    # Drawn from all images, as by the order random; the others are the most uncertain of the rest.
    drawn = [k for k in queue.positions.tolist() if k in queue.at_random]
    assert drawn == prioritize(scores, rows, "random", **how).positions[: len(drawn)].tolist()
    others = [k for k in queue.positions.tolist() if k not in queue.at_random]
    rest = np.setdiff1d(np.arange(100), drawn)
    half = {"page_size": 5, "limit": n // 2, "random_state": 3}
    assert others == rest[prioritize(scores[rest], rows[rest], "priority", **half).positions].tolist()[: n // 2]
    images = rng.integers(0, 256, (100, 24, 24), dtype=np.uint8)
    assert queue_images(images, scores, "mixed", **how).at_random == queue.at_random


def test_random_half_of_a_mixed_page_is_like_all_images():
    """Over many seeds each image is drawn about equally often, however uncertain it is."""
    scores = np.linspace(0, 1, 40)
    counts = np.zeros(40)
    for seed in range(300):
        queue = prioritize(scores, np.zeros((40, 1), np.float32), "mixed", page_size=10, limit=10, random_state=seed)
        counts[list(queue.at_random)] += 1
    assert counts.sum() == 300 * 5
    # The mean is 37.5 and the standard deviation below 6.
    assert counts.min() > 15
    assert counts.max() < 62


def test_empty_queue_has_no_positions():
    assert LabelingQueue((), np.empty(0, np.intp)).positions.tolist() == []


def test_unknown_order_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="order is 'best'; allowed are priority, uncertain, cluster, random"):
        prioritize(np.ones(1), np.ones((1, 1), np.float32), "best")


@pytest.mark.parametrize(("order", "kept"), [("priority", [1, 2]), ("cluster", [0, 3]), ("random", [0, 1, 2, 3])])
def test_of_very_many_images_the_first_by_score_are_clustered(order, kept):
    images = np.random.default_rng(0).integers(0, 256, (4, 24, 24), dtype=np.uint8)
    queue = queue_images(images, np.array([0.9, 0.6, 0.45, 0.01]), order, max_clustered=2)
    assert sorted(queue.positions.tolist()) == kept
    assert np.flatnonzero(queue.clusters >= 0).tolist() == kept
