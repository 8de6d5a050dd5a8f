"""Views for clustering: reduced features of images and of their mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from .._utils.resources import one_thread
from ..errors import ParameterError
from ..preprocessing.alignment import align, shipped_alignment
from ..preprocessing.augmentation import flip
from ..preprocessing.glare import remove_glare
from ..training.pipelines import build_pipeline, default_settings

__all__ = ["ALIGNED_FEATURES", "VIEW_FEATURES", "View", "embed_2d", "make_view", "make_views"]

VIEW_FEATURES: tuple[tuple[str, ...], ...] = (("hog", "lbp"), ("words",), ("words_tt",))
ALIGNED_FEATURES: tuple[tuple[str, ...], ...] = (("hog", "lbp"), ("words_tt",))

_CHUNK = 256


@dataclass(frozen=True, eq=False)
class View:
    """Principal components of one set of features: rows of the images, then rows of their mirror images.

    Parameters
    ----------
    features : tuple of str
        Names of the features.
    rows : float32 array of shape (n, k) or (2 n, k)
        Components in descending order of variance; 2 n rows with mirror images.
    n : int
        Number of images.
    aligned : bool, default False
        Whether the images were aligned first.
    """

    features: tuple[str, ...]
    rows: NDArray[np.float32]
    n: int
    aligned: bool = False

    @property
    def name(self) -> str:
        """The features' names joined by plus signs, after "aligned" if the images were."""
        return ("aligned " if self.aligned else "") + "+".join(self.features)

    @property
    def mirrored(self) -> bool:
        """Whether the rows include mirror images."""
        return len(self.rows) == 2 * self.n

    def leading(self, n_components: int, *, mirrored: bool = True) -> View:
        """Return the leading components, which equal those of a smaller PCA."""
        rows = self.rows if mirrored else self.rows[: self.n]
        return replace(self, rows=rows[:, :n_components])

    def repeat(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Expand values per image to values per row."""
        return np.tile(values, 2) if self.mirrored else values

    def average(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average the values of each image and of its mirror image."""
        return (values[: self.n] + values[self.n :]) / 2 if self.mirrored else values


@one_thread()
@default_settings()
def make_view(
    images: NDArray[np.uint8],
    features: Sequence[str],
    *,
    n_components: int = 200,
    aligned: bool = False,
    random_state: int = 0,
) -> View:
    """Compute features of images and of their mirror images and reduce them by PCA.

    1. If `aligned`, remove reflections and align the eyes. Clusters are then less often people or poses.
    2. Standardize each feature and divide it by the square root of its extractor's number of features, so that all
       extractors have equal weight.
    3. Fit the PCA to all rows. Extractors that are trained (visual words) are trained on the images only.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    features : sequence of str
        Names of `classic_eyes.features.EXTRACTORS`.
    n_components : int, default 200
        Maximum number of components.
    aligned : bool, default False
        Whether to align the eyes, see `classic_eyes.preprocessing.align`.
    random_state : int, default 0
        Seed of the PCA and of the extractors.

    Returns
    -------
    View
        With mirror images.

    Raises
    ------
    ParameterError
        If a name is unknown or `n_components` is below 1.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> make_view(make_eyes(40).images, ("hog",), n_components=5).rows.shape
    (80, 5)
    """
    if n_components < 1:
        raise ParameterError(f"n_components is {n_components!r}; allowed is an integer of 1 or more")
    if aligned:
        images = align(remove_glare(images), shipped_alignment())
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
    pca = PCA(min(n_components, *rows.shape), svd_solver="randomized", random_state=random_state)
    reduced = pca.fit_transform(rows)
    return View(tuple(features), np.ascontiguousarray(reduced, dtype=np.float32), len(images), aligned)


def make_views(images: NDArray[np.uint8], *, random_state: int = 0) -> list[View]:
    """Compute the views of `find_labels`: `VIEW_FEATURES` as the images are, then `ALIGNED_FEATURES` of aligned eyes.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images.
    random_state : int, default 0
        Seed of the PCA and of the extractors.

    Returns
    -------
    list of View
        Five views.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> [view.name for view in make_views(make_eyes(20).images)]
    ['hog+lbp', 'words', 'words_tt', 'aligned hog+lbp', 'aligned words_tt']
    """
    kinds = [(features, False) for features in VIEW_FEATURES] + [(features, True) for features in ALIGNED_FEATURES]
    return [make_view(images, features, aligned=aligned, random_state=random_state) for features, aligned in kinds]


@one_thread()
@default_settings()
def embed_2d(view: View, *, max_images: int = 2000, random_state: int = 0) -> dict[str, list[Any]]:
    """Embed images in two dimensions, by their two leading components and by t-SNE.

    Parameters
    ----------
    view : View
        Components of the images.
    max_images : int, default 2000
        Number of images embedded, at equal steps. The run time of t-SNE grows with it.
    random_state : int, default 0
        Seed of t-SNE.

    Returns
    -------
    dict
        ``index``: positions of the images; ``pca`` and ``tsne``: coordinates, two numbers an image.

    References
    ----------
    van der Maaten and Hinton, "Visualizing data using t-SNE", Journal of Machine Learning Research 9, 2008 (no DOI).
    """
    chosen = np.unique(np.linspace(0, view.n - 1, min(max_images, view.n)).astype(int))
    rows = view.rows[chosen, :50]
    # t-SNE's usual perplexity is 30; it must stay below a third of the number of images.
    perplexity = min(30.0, max(1.0, (len(rows) - 1) / 3))
    embedded = TSNE(perplexity=perplexity, init="pca", random_state=random_state).fit_transform(rows)
    return {
        "index": chosen.tolist(),
        "pca": np.round(rows[:, :2], 3).tolist(),
        "tsne": np.round(embedded, 3).tolist(),
    }
