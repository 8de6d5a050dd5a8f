"""Visual words of grey levels, and of illumination-normalized images (Coates, Lee, Ng, 2011)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import MiniBatchKMeans

from ..descriptors.words import normalize_patches
from ..errors import ParameterError
from ..preprocessing.illumination import tan_triggs
from .base import Extractor, check_integer

__all__ = ["TanTriggsWords", "Words"]

_SAMPLE = 100_000  # patches to fit to; more did not change the accuracy
_WHITENING_FLOOR = 0.1  # added to the variances; that of a normalized patch is close to 1
_CHUNK = 4096  # images at a time when sampling patches
_CODINGS = ("triangle", "squared")
_PAIRINGS = 12  # iterations over mirrored pairs of words; more did not change the accuracy


class Words(Extractor):
    r"""Soft counts of visual words in a grid of cells.

    1. Square patches of `patch` pixels are extracted every `stride` pixels. Each is normalized: its mean is subtracted
       and it is divided by the square root of its variance plus 10 squared.
    2. Patches are whitened (ZCA), so that those of the training images are uncorrelated.
    3. In `fit`, k-means on up to 100,000 random patches of the training images finds `n_words` centres, the visual
       words. Labels are not used.
    4. The response of a patch to word k is :math:`\max(0, \bar d - d_k)`, where :math:`d_k` is its distance to the word
       and :math:`\bar d` its mean distance to all words; with ``coding="squared"`` the distances are squared.
    5. Responses are averaged over `grid` x `grid` cells; a patch that lies in two cells contributes to both.

    The rim of the iris, the corner of the lids, lashes and the crease above the lid become words; their positions
    distinguish open from closed eyes.

    Parameters
    ----------
    n_words : int, default=100
        Number of words, at least 2.
    patch : int, default=6
        Side of a patch in pixels, at least 2 and at most the shorter side of the image.
    stride : int, default=2
        Pixels between consecutive patches, at least 1.
    grid : int, default=4
        Number of cells in each direction, at least 1 and at most the number of patches in that direction.
    coding : str, default="triangle"
        ``"triangle"``: step 4; ``"squared"``: squared distances, which take one product per patch and are faster.
    mirrored : bool, default=False
        Whether words come in mirrored pairs, so that a horizontal flip permutes the columns (`mirrored_columns`). Then
        `n_words` must be even and `stride` must divide the width of the image minus `patch`.
    random_state : int, default=0
        Seed of the patch sample and of k-means, 0 or more.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``grid ** 2 * n_words``: 1600 by default.
    whitening_ : ndarray of float32, shape (patch ** 2, patch ** 2)
        Symmetric whitening matrix.
    patch_mean_ : ndarray of float32, shape (patch ** 2,)
        Mean normalized patch, subtracted before whitening.
    words_ : ndarray of float32, shape (n_words, patch ** 2)
        Whitened words.

    Raises
    ------
    ParameterError
        In `fit`, if a parameter is out of its range, if no patch or fewer patches than cells fit into the images, or if
        the images have fewer patches than `n_words`.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32, 0 or more. The cost is ``patch ** 2 *
    n_words`` multiplications per patch. Adding a constant to an image changes only rounding; a change of contrast has
    little effect while the contrast is well above the floor of 10 grey levels.

    Departures from the paper: patches in two cells contribute to both, the grid is 4 x 4 and the stride 2.

    References
    ----------
    A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in unsupervised feature learning", AISTATS
    2011 (no DOI). The single layer is k-means with the coding of step 4; no network is trained.
    A. Hyvarinen and E. Oja, "Independent component analysis: algorithms and applications", Neural Networks 13, 2000:
    whitening. https://doi.org/10.1016/S0893-6080(00)00026-5

    Examples
    --------
    >>> from classic_eyes.features import Words
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(20, random_state=0).images
    >>> words = Words(n_words=20).fit(images)
    >>> words.transform(images).shape
    (20, 320)
    >>> words.get_feature_names_out()[[0, -1]].tolist()
    ['cell_r0_c0_word00', 'cell_r3_c3_word19']
    """

    _light = False

    def __init__(
        self,
        *,
        n_words: int = 100,
        patch: int = 6,
        stride: int = 2,
        grid: int = 4,
        coding: str = "triangle",
        mirrored: bool = False,
        random_state: int = 0,
    ) -> None:
        self.n_words = n_words
        self.patch = patch
        self.stride = stride
        self.grid = grid
        self.coding = coding
        self.mirrored = mirrored
        self.random_state = random_state

    @property
    def descriptor(self) -> str:  # type: ignore[override]
        """Key of `classic_eyes.descriptors.DESCRIPTORS`, which depends on the coding."""
        return "filters" if self.coding == "squared" else "words"

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_integer("n_words", self.n_words, least=2, remedy="100 is the default")
        patch = check_integer("patch", self.patch, least=2, remedy="6 pixels is the default")
        check_integer("stride", self.stride, least=1, remedy="2 pixels is the default")
        grid = check_integer("grid", self.grid, least=1, remedy="4 is the default")
        check_integer("random_state", self.random_state, least=0, remedy="0 is the default")
        if self.coding not in _CODINGS:
            raise ParameterError(f"coding is {self.coding!r}; allowed is one of {', '.join(map(repr, _CODINGS))}")
        if not isinstance(self.mirrored, bool):
            raise ParameterError(
                f"mirrored is {self.mirrored!r}; allowed is True (words come in mirrored pairs) or False"
            )
        if self.mirrored and self.n_words % 2:
            raise ParameterError(f"n_words is {self.n_words!r}; allowed is an even number with mirrored=True")
        if patch > min(shape):
            raise ParameterError(
                f"patch is {self.patch!r}; it does not fit into images of {shape} (height, width) pixels; "
                f"choose at most {min(shape)}"
            )
        if self.mirrored and (shape[1] - patch) % self.stride:
            raise ParameterError(
                f"stride is {self.stride!r}; with mirrored=True it must divide the width minus the patch, {shape[1]} - "
                f"{patch} pixels; choose another stride or patch"
            )
        if grid > min(self._positions(shape)):
            raise ParameterError(
                f"grid is {self.grid!r}; only {self._positions(shape)} patches (down, across) of {patch} pixels with "
                f"stride {self.stride} fit into images of {shape} (height, width) pixels; choose at most "
                f"{min(self._positions(shape))}, or a smaller stride"
            )

    def _positions(self, shape: tuple[int, int]) -> tuple[int, int]:
        down, across = ((side - self.patch) // self.stride + 1 for side in shape)
        return down, across

    def _fit(self, images: np.ndarray) -> None:
        rng = np.random.default_rng(self.random_state)
        windows = sliding_window_view(images, (self.patch, self.patch), axis=(1, 2))
        n_patches = windows.shape[0] * windows.shape[1] * windows.shape[2]
        if n_patches < self.n_words:
            raise ParameterError(
                f"n_words is {self.n_words!r}; the images have {n_patches} patches to fit to; choose at most that many "
                "words, or pass more images"
            )
        sample = np.arange(n_patches) if n_patches <= _SAMPLE else rng.integers(0, n_patches, _SAMPLE)
        sources, rows, columns = np.unravel_index(sample, windows.shape[:3])
        patches = np.empty((len(sample), self.patch**2), np.float32)
        for start in range(0, len(images), _CHUNK):
            part = np.flatnonzero((sources >= start) & (sources < start + _CHUNK))
            normalized = self._normalize_illumination(images[start : start + _CHUNK])
            windows = sliding_window_view(normalized, (self.patch, self.patch), axis=(1, 2))
            patches[part] = windows[sources[part] - start, rows[part], columns[part]].reshape(len(part), -1)
        patches = normalize_patches(patches)
        closed = np.concatenate([patches, patches[:, self._mirrored_pixels()]]) if self.mirrored else patches
        self.patch_mean_ = closed.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(closed.T.astype(np.float64)))
        # Rounding may leave the smallest variance slightly below 0.
        scale = 1 / np.sqrt(np.maximum(variances, 0) + _WHITENING_FLOOR)
        self.whitening_ = ((axes * scale) @ axes.T).astype(np.float32)
        # No early stopping: it would depend on sums whose order depends on the number of threads.
        kmeans = MiniBatchKMeans(
            self.n_words // 2 if self.mirrored else self.n_words,
            batch_size=4096,
            max_iter=20,
            n_init=1,
            tol=0.0,
            max_no_improvement=None,
            random_state=self.random_state,
        )
        whitened = np.matmul(patches - self.patch_mean_, self.whitening_)
        words = kmeans.fit(whitened).cluster_centers_.astype(np.float32)
        self.words_ = self._pair_up(whitened, words) if self.mirrored else words

    def _mirrored_pixels(self) -> np.ndarray:
        return np.arange(self.patch**2).reshape(self.patch, self.patch)[:, ::-1].ravel()

    def _pair_up(self, whitened: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Refine words by Lloyd's iterations over words and their mirror images; return both."""
        pixels, half = self._mirrored_pixels(), len(words)
        for _ in range(_PAIRINGS):
            both = np.concatenate([words, words[:, pixels]])
            nearest = np.argmin(np.einsum("ij,ij->i", both, both) - 2 * whitened @ both.T, axis=1)
            flipped = np.where((nearest >= half)[:, np.newaxis], whitened[:, pixels], whitened)
            word = nearest % half
            # The sums of np.add.at, in a twentieth of its time.
            sums = np.stack([np.bincount(word, column, half) for column in np.ascontiguousarray(flipped.T)], axis=1)
            count = np.bincount(word, minlength=half)[:, np.newaxis]
            words = np.where(count > 0, sums / np.maximum(count, 1), words).astype(np.float32)
        return np.concatenate([words, words[:, pixels]])

    def _normalize_illumination(self, images: np.ndarray) -> np.ndarray:
        return tan_triggs(images) if self._light else images

    def _settings(self) -> dict[str, Any]:
        common = {"patch": self.patch, "stride": self.stride, "grid": self.grid, "light": self._light}
        if self.coding == "triangle":
            fitted = {"whitening": self.whitening_, "patch_mean": self.patch_mean_, "words": self.words_}
            return {**common, **fitted}
        words, whitening = self.words_.astype(np.float64), self.whitening_.astype(np.float64)
        # mean_k |z - c_k|^2 - |z - c|^2 = 2 z (c - mean c) - (|c|^2 - mean |c|^2), for the whitened patch z.
        filters = 2 * whitening @ (words - words.mean(axis=0)).T
        squares = np.einsum("ij,ij->i", words, words)
        bias = squares.mean() - squares - self.patch_mean_ @ filters
        return {**common, "filters": filters.astype(np.float32), "bias": bias.astype(np.float32)}

    def _mirrored_columns(self) -> np.ndarray | None:
        if not self.mirrored:
            return None
        half = self.n_words // 2
        columns = np.arange(self.grid**2 * self.n_words).reshape(self.grid, self.grid, self.n_words)
        return np.roll(columns[:, ::-1], half, axis=2).ravel()

    def _names(self) -> list[str]:
        cell_digits, word_digits = len(str(self.grid - 1)), len(str(self.n_words - 1))
        return [
            f"cell_r{r:0{cell_digits}}_c{c:0{cell_digits}}_word{k:0{word_digits}}"
            for r in range(self.grid)
            for c in range(self.grid)
            for k in range(self.n_words)
        ]


class TanTriggsWords(Words):
    r"""Visual words after illumination normalization.

    1. Tan-Triggs normalization: gamma, difference of Gaussians, contrast equalization
       (`classic_eyes.preprocessing.tan_triggs`).
    2. The steps of `Words`, fitted to the normalized images.

    `Words` are more accurate on images like the training images; these features depend less on camera and light. Their
    errors differ, so that the mean of two views with one each is more accurate than either.

    Parameters
    ----------
    n_words : int, default=100
        As in `Words`.
    patch : int, default=6
        As in `Words`.
    stride : int, default=2
        As in `Words`.
    grid : int, default=4
        As in `Words`.
    coding : str, default="triangle"
        As in `Words`.
    mirrored : bool, default=False
        As in `Words`.
    random_state : int, default=0
        As in `Words`.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        ``grid ** 2 * n_words``: 1600 by default.
    whitening_, patch_mean_, words_ : ndarray of float32
        As in `Words`.

    Raises
    ------
    ParameterError
        In `fit`, as `Words`.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32, 0 or more. The normalization adds two
    powers per pixel and four small matrix products to the cost of `Words`. Multiplying a bright image by a constant
    hardly changes the features; adding a constant does.

    Departures from the papers: those of `Words`, and blurs of 0.7 and 3 pixels instead of 1 and 2.

    References
    ----------
    X. Tan and B. Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting
    conditions", IEEE Transactions on Image Processing 19, 2010. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> from classic_eyes.features import TanTriggsWords
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(20, random_state=0).images
    >>> TanTriggsWords(n_words=20).fit_transform(images).shape
    (20, 320)
    """

    _light = True
