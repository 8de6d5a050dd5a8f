"""In which order to ask a person about images, page by page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from .._utils.threads import one_thread
from ..errors import ParameterError

__all__ = ["ORDERS", "Asking", "arrange"]

ORDERS = {
    "worth": "the most uncertain first, but no page full of one kind of eye",
    "uncertain": "the most uncertain first",
    "cluster": "page by page what looks alike, the surest first: to be confirmed at one click",
    "random": "drawn at random",
}

# A page of a cluster may hold this many times as many images as another.
_LONGEST = 2


@dataclass(frozen=True, eq=False)
class Asking:
    """Which images are asked about, page by page.

    Parameters
    ----------
    pages : tuple of int array
        Positions of the images on each page.
    clusters : int array of shape (n,)
        Which kind of eye each image is; 0 for all where the order does not ask.

    Examples
    --------
    >>> Asking((np.array([3, 1]), np.array([2])), np.zeros(4, int)).positions.tolist()
    [3, 1, 2]
    """

    pages: tuple[NDArray[np.intp], ...]
    clusters: NDArray[np.intp]

    @property
    def positions(self) -> NDArray[np.intp]:
        """Return the images in the order of the pages.

        Returns
        -------
        int array
            Positions.
        """
        return np.concatenate([np.empty(0, np.intp), *self.pages])


def arrange(
    scores: NDArray[np.float64],
    rows: NDArray[np.float32],
    order: str = "worth",
    *,
    page_size: int = 50,
    limit: int | None = None,
    random_state: int = 0,
) -> Asking:
    """Put images into the order in which a person is asked about them.

    1. Uncertain is an image by the distance of its score from a half.
    2. ``worth``: kinds of eye are k-means clusters, as many as a page has places. The pages are filled with the most
       uncertain first, but no kind gets more places on a page than its even share: the most uncertain of a folder are
       often twenty frames of the same eye. What finds no place so fills the gaps, mostly on the last page.
    3. ``cluster``: a page is a cluster, the surest cluster first; large ones take several pages.
    4. ``uncertain`` and ``random`` are the other two that this is measured against.

    Parameters
    ----------
    scores : float64 array of shape (n,)
        Probability of open, 0..1.
    rows : float32 array of shape (n, k)
        Features by which eyes look alike.
    order : {"worth", "uncertain", "cluster", "random"}, default "worth"
        See above.
    page_size : int, default 50
        Images on a page.
    limit : int, optional
        Images in all, at most.
    random_state : int, default 0
        Seed of the clusters, and of what is random.

    Returns
    -------
    Asking
        The pages.

    Raises
    ------
    ParameterError
        For another order.

    References
    ----------
    Settles, "Active learning literature survey", University of Wisconsin-Madison, 2009 (no DOI), 2.1 and 3.4.

    Examples
    --------
    >>> scores = np.array([0.9, 0.5, 0.1, 0.45])
    >>> arrange(scores, np.eye(4, dtype=np.float32), "uncertain", page_size=2).positions.tolist()
    [1, 3, 0, 2]
    """
    if order not in ORDERS:
        raise ParameterError(f"order is {order!r}; allowed are {', '.join(ORDERS)}")
    n = len(scores)
    n_asked = n if limit is None else min(limit, n)
    sure = np.abs(scores - 0.5)
    if order == "cluster":
        clusters = _kinds(rows, max(1, round(n / page_size)), random_state)
        return Asking(_cut(_cluster_pages(clusters, sure, scores, _LONGEST * page_size), n_asked), clusters)
    if order == "worth":
        clusters = _kinds(rows, min(page_size, n // 2), random_state)
        queue = _spread(np.argsort(sure, kind="stable"), clusters, page_size)
    else:
        clusters = np.zeros(n, dtype=np.intp)
        drawn = np.random.default_rng(random_state).permutation(n)
        queue = drawn if order == "random" else np.argsort(sure, kind="stable")
    return Asking(_cut([queue[start : start + page_size] for start in range(0, n, page_size)], n_asked), clusters)


@one_thread()
def _kinds(rows: NDArray[np.float32], n_kinds: int, random_state: int) -> NDArray[np.intp]:
    most = min(n_kinds, len(np.unique(rows, axis=0)))
    if most < 2:
        return np.zeros(len(rows), dtype=np.intp)
    return KMeans(most, n_init=1, random_state=random_state).fit_predict(rows).astype(np.intp)


def _spread(queue: NDArray[np.intp], clusters: NDArray[np.intp], page_size: int) -> NDArray[np.intp]:
    """Let nobody come more often to a page than the images of its cluster are spread over all pages."""
    n_pages = -(-len(queue) // page_size)
    allowed = np.maximum(1, -(-np.bincount(clusters) // n_pages))
    taken = np.zeros((n_pages, len(allowed)), dtype=np.intp)
    room = np.full(n_pages, page_size)
    room[-1] = len(queue) - page_size * (n_pages - 1)
    pages: list[list[int]] = [[] for _ in range(n_pages)]
    late = []
    for k in queue:
        kind = clusters[k]
        free = np.flatnonzero((room > 0) & (taken[:, kind] < allowed[kind]))
        if len(free) == 0:
            late.append(int(k))
            continue
        page = free[0]
        taken[page, kind] += 1
        room[page] -= 1
        pages[page].append(int(k))
    # What found no place by its share takes the places that are left.
    for page in np.repeat(np.arange(n_pages), room):
        pages[page].append(late.pop(0))
    return np.array([k for page in pages for k in page], dtype=np.intp)


def _cluster_pages(
    clusters: NDArray[np.intp], sure: NDArray[np.float64], scores: NDArray[np.float64], longest: int
) -> list[NDArray[np.intp]]:
    members = [np.flatnonzero(clusters == kind) for kind in np.unique(clusters)]
    # Sure is a cluster whose images are all on one side, whatever the sides are.
    members.sort(key=lambda inside: (-abs(float(np.mean(scores[inside] >= 0.5)) - 0.5), -float(sure[inside].mean())))
    return [inside[start : start + longest] for inside in members for start in range(0, len(inside), longest)]


def _cut(pages: list[NDArray[np.intp]], n_asked: int) -> tuple[NDArray[np.intp], ...]:
    kept = []
    for page in pages:
        if n_asked > 0 and len(page):
            kept.append(page[:n_asked])
            n_asked -= len(page)
    return tuple(kept)
