"""The order in which images are shown to a person for labelling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from .._utils.resources import one_thread
from ..errors import ParameterError
from ..semisupervised import VIEW_FEATURES, make_view

__all__ = ["ORDERS", "LabelingQueue", "prioritize", "queue_images"]

ORDERS = {
    "priority": "the most uncertain of each kind of eye, similar ones spread over the pages",
    "uncertain": "the most uncertain first",
    "cluster": "a page of similar eyes at a time, the most certain first: to be confirmed by one click",
    "random": "at random",
    "mixed": "half of each page at random, to measure an accuracy on, and half by priority",
}

# A page of a cluster holds at most this many times the images of another page.
_CLUSTER_PAGE_FACTOR = 2
# Leading components of the features that are clustered, and the most images that are: more would fill the memory.
_N_COMPONENTS, _MAX_CLUSTERED = 64, 20_000


@dataclass(frozen=True, eq=False)
class LabelingQueue:
    """Positions of images by page, and the cluster of each image (all 0 for orders without clusters).

    ``at_random`` has those positions that were drawn at random for the order ``mixed``.
    """

    pages: tuple[NDArray[np.intp], ...]
    clusters: NDArray[np.intp]
    at_random: frozenset[int] = frozenset()

    @property
    def positions(self) -> NDArray[np.intp]:
        """Positions of all images in the order of the pages."""
        return np.concatenate([np.empty(0, np.intp), *self.pages])


def queue_images(
    images: NDArray[np.uint8],
    scores: NDArray[np.float64],
    order: str = "priority",
    *,
    page_size: int = 50,
    limit: int | None = None,
    random_state: int = 0,
    max_clustered: int = _MAX_CLUSTERED,
) -> LabelingQueue:
    """Sort images into pages for labelling: `prioritize` with features computed from the images.

    The clusters of ``priority`` and ``cluster`` are found along the 64 leading components of HOG and LBP features. If
    there are more than ``max_clustered`` images, only the most uncertain of them are queued; for ``cluster``, the most
    certain.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    scores : float64 array of shape (n,)
        Probability of open, 0 to 1.
    order : {"priority", "uncertain", "cluster", "random", "mixed"}, default "priority"
        See `prioritize`.
    page_size : int, default 50
        Images per page.
    limit : int, optional
        Maximum number of images.
    random_state : int, default 0
        Seed of all random steps.
    max_clustered : int, default 20000
        Maximum number of images that are clustered.

    Returns
    -------
    LabelingQueue
        The pages; cluster -1 for images that are not queued.

    Raises
    ------
    ParameterError
        If `order` is unknown.
    """
    how = {"page_size": page_size, "limit": limit, "random_state": random_state}
    if order == "mixed":
        return _mix(
            len(scores),
            lambda rest, **half: queue_images(
                images[rest], scores[rest], random_state=random_state, max_clustered=max_clustered, **half
            ),
            **how,  # type: ignore[arg-type]
        )
    if order not in ("priority", "cluster"):
        return prioritize(scores, np.zeros((len(scores), 1), np.float32), order, **how)  # type: ignore[arg-type]
    kept = np.arange(len(scores))
    if len(scores) > max_clustered:
        certainty = np.abs(scores - 0.5)
        ranked = np.argsort(certainty if order == "priority" else -certainty, kind="stable")
        kept = np.sort(ranked[:max_clustered])
    view = make_view(images[kept], VIEW_FEATURES[0], n_components=_N_COMPONENTS, random_state=random_state)
    X = view.leading(_N_COMPONENTS, mirrored=False).rows
    queue = prioritize(scores[kept], X, order, **how)  # type: ignore[arg-type]
    clusters = np.full(len(scores), -1, dtype=np.intp)
    clusters[kept] = queue.clusters
    return LabelingQueue(tuple(kept[page] for page in queue.pages), clusters)


def prioritize(
    scores: NDArray[np.float64],
    X: NDArray[np.float32],
    order: str = "priority",
    *,
    page_size: int = 50,
    limit: int | None = None,
    random_state: int = 0,
) -> LabelingQueue:
    """Sort images into pages for labelling.

    Uncertainty is the closeness of the score to 0.5.

    1. ``priority``: k-means finds as many clusters as a page has places. Pages are filled with the most uncertain
       images first, but no cluster gets more places on a page than its even share: the most uncertain images are often
       frames of one eye. Images over the share fill the remaining places, mostly on the last page.
    2. ``cluster``: a page is a cluster, the most certain cluster first. Large clusters take several pages.
    3. ``uncertain`` and ``random``: no clusters.
    4. ``mixed``: half of the images are drawn at random from all, the others by ``priority`` from the rest. Every page
       has both, so that those answered are a random sample wherever a person stops.

    Parameters
    ----------
    scores : float64 array of shape (n,)
        Probability of open, 0 to 1.
    X : float32 array of shape (n, k)
        Features for the clusters.
    order : {"priority", "uncertain", "cluster", "random", "mixed"}, default "priority"
        See above.
    page_size : int, default 50
        Images per page.
    limit : int, optional
        Maximum number of images.
    random_state : int, default 0
        Seed of k-means and of ``random``.

    Returns
    -------
    LabelingQueue
        The pages.

    Raises
    ------
    ParameterError
        If `order` is unknown.

    References
    ----------
    Settles, "Active learning literature survey", University of Wisconsin-Madison, 2009 (no DOI), 2.1 and 3.4.

    Examples
    --------
    >>> scores = np.array([0.9, 0.5, 0.1, 0.45])
    >>> prioritize(scores, np.eye(4, dtype=np.float32), "uncertain", page_size=2).positions.tolist()
    [1, 3, 0, 2]
    """
    if order not in ORDERS:
        raise ParameterError(f"order is {order!r}; allowed are {', '.join(ORDERS)}")
    n = len(scores)
    if order == "mixed":
        return _mix(
            n,
            lambda rest, **half: prioritize(scores[rest], X[rest], random_state=random_state, **half),
            page_size=page_size,
            limit=limit,
            random_state=random_state,
        )
    n_shown = n if limit is None else min(limit, n)
    certainty = np.abs(scores - 0.5)
    if order == "cluster":
        clusters = _cluster(X, max(1, round(n / page_size)), random_state)
        pages = _cluster_pages(clusters, certainty, scores, _CLUSTER_PAGE_FACTOR * page_size)
        return LabelingQueue(_truncate(pages, n_shown), clusters)
    if order == "priority":
        clusters = _cluster(X, min(page_size, n // 2), random_state)
        queue = _spread(np.argsort(certainty, kind="stable"), clusters, page_size)
    else:
        clusters = np.zeros(n, dtype=np.intp)
        shuffled = np.random.default_rng(random_state).permutation(n)
        queue = shuffled if order == "random" else np.argsort(certainty, kind="stable")
    pages = [queue[start : start + page_size] for start in range(0, n, page_size)]
    return LabelingQueue(_truncate(pages, n_shown), clusters)


@one_thread()
def _cluster(X: NDArray[np.float32], n_clusters: int, random_state: int) -> NDArray[np.intp]:
    n_clusters = min(n_clusters, len(np.unique(X, axis=0)))
    if n_clusters < 2:
        return np.zeros(len(X), dtype=np.intp)
    return KMeans(n_clusters, n_init=1, random_state=random_state).fit_predict(X).astype(np.intp)


def _spread(queue: NDArray[np.intp], clusters: NDArray[np.intp], page_size: int) -> NDArray[np.intp]:
    """Fill pages in the order of the queue, with at most an even share of each cluster per page."""
    n_pages = -(-len(queue) // page_size)
    allowed = np.maximum(1, -(-np.bincount(clusters) // n_pages))
    taken = np.zeros((n_pages, len(allowed)), dtype=np.intp)
    free_places = np.full(n_pages, page_size)
    free_places[-1] = len(queue) - page_size * (n_pages - 1)
    pages: list[list[int]] = [[] for _ in range(n_pages)]
    over_share = []
    for k in queue:
        cluster = clusters[k]
        possible = np.flatnonzero((free_places > 0) & (taken[:, cluster] < allowed[cluster]))
        if len(possible) == 0:
            over_share.append(int(k))
            continue
        page = possible[0]
        taken[page, cluster] += 1
        free_places[page] -= 1
        pages[page].append(int(k))
    for page in np.repeat(np.arange(n_pages), free_places):
        pages[page].append(over_share.pop(0))
    return np.array([k for page in pages for k in page], dtype=np.intp)


def _cluster_pages(
    clusters: NDArray[np.intp], certainty: NDArray[np.float64], scores: NDArray[np.float64], max_size: int
) -> list[NDArray[np.intp]]:
    members = [np.flatnonzero(clusters == cluster) for cluster in np.unique(clusters)]
    # First by purity (all images on one side of 0.5, whichever it is), then by mean certainty.
    members.sort(
        key=lambda inside: (-abs(float(np.mean(scores[inside] >= 0.5)) - 0.5), -float(certainty[inside].mean()))
    )
    return [inside[start : start + max_size] for inside in members for start in range(0, len(inside), max_size)]


def _mix(
    n: int,
    queue: Callable[..., LabelingQueue],
    *,
    page_size: int,
    limit: int | None,
    random_state: int,
) -> LabelingQueue:
    """Fill the first half of each page with images drawn at random, and the other with the rest by priority."""
    n_shown = n if limit is None else min(limit, n)
    n_random = -(-n_shown // 2)
    shuffled = np.random.default_rng(random_state).permutation(n)
    drawn, rest = shuffled[:n_random], np.sort(shuffled[n_random:])
    half = -(-page_size // 2)
    clusters = np.full(n, -1, dtype=np.intp)
    chosen = np.empty(0, np.intp)
    if n_shown > n_random:
        others = queue(rest, page_size=max(1, page_size - half), limit=n_shown - n_random)
        chosen, clusters[rest] = rest[others.positions], others.clusters
    clusters[drawn] = 0
    n_shown = n_random + len(chosen)
    pages, n_chosen = [], 0
    for start in range(0, n_shown, page_size):
        size = min(page_size, n_shown - start)
        # Where priority has no image left, the page is random, and the reverse.
        left = n_random - (start - n_chosen)
        n_here = min(left, max(-(-size // 2), size - (len(chosen) - n_chosen)))
        first = start - n_chosen
        pages.append(np.concatenate([drawn[first : first + n_here], chosen[n_chosen : n_chosen + size - n_here]]))
        n_chosen += size - n_here
    return LabelingQueue(tuple(pages), clusters, frozenset(drawn.tolist()))


def _truncate(pages: list[NDArray[np.intp]], n_shown: int) -> tuple[NDArray[np.intp], ...]:
    kept = []
    for page in pages:
        if n_shown > 0 and len(page):
            kept.append(page[:n_shown])
            n_shown -= len(page)
    return tuple(kept)
