"""What clusterers see of an image: a view of features, reduced, of it and of its mirror image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from .._utils.threads import one_thread
from ..errors import ParameterError
from ..preprocessing.augmentation import flip
from ..training.pipelines import build_pipeline

__all__ = ["View", "lay_out", "make_view"]

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class View:
    """Rows of components, the images first and then their mirror images.

    Parameters
    ----------
    features : tuple of str
        The view of features.
    rows : float32 array of shape (n, k) or (2 n, k)
        Components, in the order of their variance.
    n : int
        Images.
    """

    features: tuple[str, ...]
    rows: NDArray[np.float32]
    n: int

    @property
    def name(self) -> str:
        """The features' names joined by plus signs.

        Returns
        -------
        str
            For tables.
        """
        return "+".join(self.features)

    @property
    def mirrored(self) -> bool:
        """Whether the mirror images are there too.

        Returns
        -------
        bool
            True for 2 n rows.
        """
        return len(self.rows) == 2 * self.n

    def leading(self, n_components: int, *, mirrored: bool = True) -> View:
        """Return the view of the first components, which are those of a smaller PCA.

        Parameters
        ----------
        n_components : int
            How many, at most.
        mirrored : bool, default True
            Whether to keep the mirror images.

        Returns
        -------
        View
            Narrower.
        """
        rows = self.rows if mirrored else self.rows[: self.n]
        return View(self.features, rows[:, :n_components], self.n)

    def repeated(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Give each row what its image has.

        Parameters
        ----------
        values : array of shape (n,)
            One for each image.

        Returns
        -------
        array of shape (number of rows,)
            One for each row.
        """
        return np.tile(values, 2) if self.mirrored else values

    def averaged(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of what an image and its mirror image have.

        Parameters
        ----------
        values : float64 array of shape (number of rows,)
            One for each row.

        Returns
        -------
        float64 array of shape (n,)
            One for each image.
        """
        return (values[: self.n] + values[self.n :]) / 2 if self.mirrored else values


@one_thread()
def make_view(
    images: NDArray[np.uint8], features: Sequence[str], *, n_components: int = 200, random_state: int = 0
) -> View:
    """Compute features of images and of their mirror images, and reduce them by a PCA.

    1. Each feature is standardised and divided by the root of its extractor's number of features, so that each
       extractor has the same say.
    2. The PCA is fitted to all rows; what learns (words) learns from the images.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    features : sequence of str
        Names of `classic_eyes.features.EXTRACTORS`.
    n_components : int, default 200
        Components, at most.
    random_state : int, default 0
        Seed of the PCA and of extractors that learn.

    Returns
    -------
    View
        With mirror images.

    Raises
    ------
    ParameterError
        For an unknown name.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> make_view(make_eyes(40).images, ("hog",), n_components=5).rows.shape
    (80, 5)
    """
    if n_components < 1:
        raise ParameterError(f"n_components is {n_components!r}; it must be a whole number from 1")
    union = build_pipeline(tuple(features), n_components=None, random_state=random_state)["features"]
    both = np.concatenate([images, flip(images)])
    blocks = []
    for _, extractor in union.transformer_list:
        extractor.fit(images)
        parts = [extractor.transform(both[start : start + _CHUNK]) for start in range(0, len(both), _CHUNK)]
        block = StandardScaler(copy=False).fit_transform(np.concatenate(parts))
        block /= np.float32(np.sqrt(block.shape[1]))
        blocks.append(block)
    rows = np.hstack(blocks).astype(np.float32, copy=False)
    reduced = PCA(min(n_components, *rows.shape), svd_solver="randomized", random_state=random_state).fit_transform(
        rows
    )
    return View(tuple(features), np.ascontiguousarray(reduced, dtype=np.float32), len(images))


@one_thread()
def lay_out(view: View, *, at_most: int = 2000, random_state: int = 0) -> dict[str, list[Any]]:
    """Lay images out in two dimensions, by their two leading components and by t-SNE.

    Parameters
    ----------
    view : View
        Rows of the images.
    at_most : int, default 2000
        Images laid out, at equal steps; the time of t-SNE grows with their number.
    random_state : int, default 0
        Seed of t-SNE.

    Returns
    -------
    dict
        ``index`` of the images, ``pca`` and ``tsne``, a pair of numbers each.

    References
    ----------
    van der Maaten, Hinton, "Visualizing data using t-SNE", Journal of Machine Learning Research 9, 2008 (no DOI).
    """
    chosen = np.unique(np.linspace(0, view.n - 1, min(at_most, view.n)).astype(int))
    rows = view.rows[chosen, :50]
    # Neighbours beyond a third of the images are no neighbours; 30 is what t-SNE was made for.
    perplexity = min(30.0, max(1.0, (len(rows) - 1) / 3))
    embedded = TSNE(perplexity=perplexity, init="pca", random_state=random_state).fit_transform(rows)
    return {
        "index": chosen.tolist(),
        "pca": np.round(rows[:, :2], 3).tolist(),
        "tsne": np.round(embedded, 3).tolist(),
    }
