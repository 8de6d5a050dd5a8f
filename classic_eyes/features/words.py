"""Visual words: which of a learnt set of small patches the picture is made of, and where (Coates, Lee, Ng, 2011).

Of the grey levels themselves, and of what Tan and Triggs (2010) leave of them when the light is taken out.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import MiniBatchKMeans

from ..errors import ParameterError
from .base import Extractor, check_integer

__all__ = ["TanTriggsWords", "Words", "cut_patches", "encode", "even_light", "pooling_weights"]

_SAMPLE = 100_000  # patches to learn from: more changed no figure
_CONTRAST_FLOOR = 10.0  # grey levels; keeps the noise of flat skin from looking like an eyelid
_WHITENING_FLOOR = 0.1  # of the variance of a normalised patch, which is near 1
_DRAWN_FROM = 4096  # pictures at a time, when drawing patches to learn from
_CHUNK = 16  # pictures: their distances stay in the second-level cache

# Tan and Triggs' values, but for the blurs: theirs, 1 and 2 pixels, are for faces of 120.
_GAMMA = 0.2
_BLURS = (0.7, 3.0)  # pixels
_ALPHA, _TAU = 0.1, 10.0
_GREY_LEVELS = 10.0  # by which the result is stretched, so that floors in grey levels mean the same


@lru_cache(maxsize=8)
def _blur_matrix(side: int, sigma: float) -> np.ndarray:
    """Return the matrix of a Gaussian blur along one side; beyond the border its nearest pixel counts."""
    reach = int(np.ceil(4 * sigma))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    matrix = np.zeros((side, side))
    for row in range(side):
        np.add.at(matrix[row], np.clip(row + offsets, 0, side - 1), weights)
    return (matrix / weights.sum()).astype(np.float32)


def even_light(pictures: np.ndarray) -> np.ndarray:
    """Take shading and contrast out of each picture, after Tan and Triggs.

    1. Grey levels ``x`` become ``(x + 1) ** 0.2``, which opens the shadows.
    2. The difference of two Gaussian blurs, of 0.7 and 3 pixels, takes out what changes slowly, the light, and what
       changes from pixel to pixel, the noise.
    3. It is divided by the mean of its magnitudes to the power 0.1, to the power 10: once as they are, once cut at 10.
    4. ``10 tanh(y / 10)`` bounds it; the result is stretched by 10.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Grey pictures.

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        About 0, from -100 to 100.

    References
    ----------
    X. Tan and B. Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting
    conditions", IEEE Transactions on Image Processing 19, 2010. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> even_light(np.full((1, 24, 24), 90, np.uint8)).any()
    np.False_
    """
    opened = ((np.arange(256) + 1.0) ** _GAMMA).astype(np.float32)[pictures]
    # Exactly 0 where the picture is constant: the blurs round each in its own way.
    opened -= opened[:, :1, :1]
    _, height, width = pictures.shape
    fine, coarse = (
        np.matmul(np.matmul(_blur_matrix(height, sigma), opened), _blur_matrix(width, sigma).T) for sigma in _BLURS
    )
    fine -= coarse
    for ceiling in (np.inf, _TAU):
        size = np.minimum(np.abs(fine), np.float32(ceiling)) ** np.float32(_ALPHA)
        fine /= size.mean(axis=(1, 2), keepdims=True) ** np.float32(1 / _ALPHA) + np.float32(1e-6)
    return np.tanh(fine / np.float32(_TAU)) * np.float32(_TAU * _GREY_LEVELS)


def cut_patches(pictures: np.ndarray, *, patch: int, stride: int) -> np.ndarray:
    """Cut square patches on a grid and take brightness and contrast out of each.

    Parameters
    ----------
    pictures : ndarray of uint8 or float32, shape (n, height, width)
        Pictures, at least `patch` pixels high and wide.
    patch : int
        Side in pixels.
    stride : int
        Pixels from one patch to the next, across and down.

    Returns
    -------
    ndarray of float32, shape (n, n_down * n_across, patch * patch)
        Patches by rows; each less its mean, over the root of its variance plus 10 squared.
    """
    windows = sliding_window_view(pictures, (patch, patch), axis=(1, 2))[:, ::stride, ::stride]
    return _normalise(windows.reshape(len(pictures), -1, patch * patch))


def _normalise(patches: np.ndarray) -> np.ndarray:
    rows = patches.astype(np.float32)
    rows -= rows.mean(axis=-1, keepdims=True)
    variance = np.einsum("...i,...i->...", rows, rows) / np.float32(rows.shape[-1])
    rows /= np.sqrt(variance + np.float32(_CONTRAST_FLOOR**2))[..., np.newaxis]
    return rows


def encode(whitened: np.ndarray, words: np.ndarray, *, out: np.ndarray | None = None) -> np.ndarray:
    """Say how much nearer than the average word each word is to each patch (triangle coding).

    Parameters
    ----------
    whitened : ndarray of float32, shape (n, n_patches, d)
        Patches.
    words : ndarray of float32, shape (n_words, d)
        Words.
    out : ndarray of float32, shape (n, n_patches, n_words), default=None
        Where the answer goes: fresh memory costs as much as the product.

    Returns
    -------
    ndarray of float32, shape (n, n_patches, n_words)
        ``max(0, mean_k |z - c_k| - |z - c_k|)``.
    """
    # |z - c|^2 as one product, (z, |z|^2, 1) with (-2 c, 1, |c|^2): each pass over the distances costs as much. It is
    # taken for each picture by itself, for BLAS rounds by the shape, and a row must not depend on its batch.
    d = whitened.shape[-1]
    left = np.empty((*whitened.shape[:-1], d + 2), np.float32)
    left[..., :d], left[..., d + 1] = whitened, 1
    np.einsum("...j,...j->...", whitened, whitened, out=left[..., d])
    right = np.vstack([words.T * np.float32(-2), np.ones(len(words), np.float32), np.einsum("ij,ij->i", words, words)])
    distance = np.matmul(left, right, out=out)
    np.abs(distance, out=distance)  # rounding may leave it a hair below 0
    np.sqrt(distance, out=distance)
    mean = np.einsum("...k->...", distance)[..., np.newaxis] / np.float32(len(words))
    np.minimum(distance, mean, out=distance)
    return np.subtract(mean, distance, out=distance)


def pooling_weights(n_positions: int, grid: int) -> np.ndarray:
    """Say how much of each position along a side lies in each cell, where cells are equally long.

    Parameters
    ----------
    n_positions : int
        Patches along the side.
    grid : int
        Cells along the side, at most `n_positions`.

    Returns
    -------
    ndarray of float64, shape (grid, n_positions)
        Shares of the cell; each row adds up to 1.

    Examples
    --------
    >>> pooling_weights(3, 2).round(3).tolist()
    [[0.667, 0.333, 0.0], [0.0, 0.333, 0.667]]
    """
    start = np.arange(grid)[:, np.newaxis] * n_positions / grid
    position = np.arange(n_positions)
    overlap = np.minimum(start + n_positions / grid, position + 1) - np.maximum(start, position)
    return np.clip(overlap, 0, None) * grid / n_positions


class Words(Extractor):
    r"""How much of each of a set of learnt patches there is in each part of the picture.

    1. Square patches of `patch` pixels are cut every `stride` pixels; each loses its mean and is divided by the root of
       its variance plus 10 squared.
    2. They are whitened: turned and scaled so that patches of the training pictures have no correlation (ZCA).
    3. In `fit`, k-means on 100,000 random patches of the training pictures, or all where there are fewer, finds
       `n_words` centres, the words. No label is used.
    4. A patch answers to word k by :math:`\max(0, \bar d - d_k)`, where :math:`d_k` is its distance to the word and
       :math:`\bar d` its mean distance to all words.
    5. The answers are averaged in `grid` x `grid` cells; a patch position that lies across a border is shared out.

    The rim of an iris, the corner where the lids meet, lashes and the crease above the lid are words; where they stand
    tells open from closed.

    Parameters
    ----------
    n_words : int, default=100
        Words, at least 2.
    patch : int, default=6
        Side of a patch in pixels, at least 2 and at most the shorter side of the picture.
    stride : int, default=2
        Pixels from one patch to the next, at least 1.
    grid : int, default=4
        Cells across, and down; at least 1, at most the number of patches that fit.
    random_state : int, default=0
        Seed of the patches drawn and of k-means, 0 or more.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the pictures seen in `fit`.
    n_features_out_ : int
        ``grid ** 2 * n_words``: 1600 by default.
    whitening_ : ndarray of float32, shape (patch ** 2, patch ** 2)
        The matrix of step 2, symmetric.
    patch_mean_ : ndarray of float32, shape (patch ** 2,)
        Mean patch, taken away before whitening.
    words_ : ndarray of float32, shape (n_words, patch ** 2)
        The words, whitened.

    Raises
    ------
    ParameterError
        In `fit`, if a parameter is not an integer of its range, if no patch or fewer patches than cells fit into the
        pictures, or if the pictures have fewer patches than `n_words`.
    PictureError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its pictures changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32, 0 or more. The cost is ``patch ** 2 *
    n_words`` multiplications a patch. Adding a constant to a picture changes nothing but rounding; a change of contrast
    changes little where the contrast is well above the floor of 10 grey levels.

    Departures from the paper: patches whose positions cross a cell border are shared out, the grid is 4 x 4 and the
    stride 2.

    References
    ----------
    A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in unsupervised feature learning", AISTATS
    2011 (no DOI). The single layer of the title is k-means and the coding of step 4; no network is trained here.
    A. Hyvarinen and E. Oja, "Independent component analysis: algorithms and applications", Neural Networks 13, 2000,
    for whitening. https://doi.org/10.1016/S0893-6080(00)00026-5

    Examples
    --------
    >>> from classic_eyes.features import Words
    >>> from classic_eyes.synthetic import make_eyes
    >>> pictures = make_eyes(20, random_state=0).pictures
    >>> words = Words(n_words=20).fit(pictures)
    >>> words.transform(pictures).shape
    (20, 320)
    >>> words.get_feature_names_out()[[0, -1]].tolist()
    ['cell_r0_c0_word00', 'cell_r3_c3_word19']
    """

    def __init__(
        self, *, n_words: int = 100, patch: int = 6, stride: int = 2, grid: int = 4, random_state: int = 0
    ) -> None:
        self.n_words = n_words
        self.patch = patch
        self.stride = stride
        self.grid = grid
        self.random_state = random_state

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_integer("n_words", self.n_words, least=2, remedy="100 is the default")
        patch = check_integer("patch", self.patch, least=2, remedy="6 pixels is the default")
        check_integer("stride", self.stride, least=1, remedy="2 pixels is the default")
        grid = check_integer("grid", self.grid, least=1, remedy="4 is the default")
        check_integer("random_state", self.random_state, least=0, remedy="0 is the default")
        if patch > min(shape):
            raise ParameterError(
                f"patch={self.patch!r}: does not fit into pictures of {shape} (height, width) pixels; "
                f"choose at most {min(shape)}"
            )
        if grid > min(self._positions(shape)):
            raise ParameterError(
                f"grid={self.grid!r}: only {self._positions(shape)} patches (down, across) of {patch} pixels every "
                f"{self.stride} fit into pictures of {shape} (height, width) pixels; choose at most "
                f"{min(self._positions(shape))}, or a smaller stride"
            )

    def _positions(self, shape: tuple[int, int]) -> tuple[int, int]:
        down, across = ((side - self.patch) // self.stride + 1 for side in shape)
        return down, across

    def _learn(self, pictures: np.ndarray) -> None:
        rng = np.random.default_rng(self.random_state)
        windows = sliding_window_view(pictures, (self.patch, self.patch), axis=(1, 2))
        n_patches = windows.shape[0] * windows.shape[1] * windows.shape[2]
        if n_patches < self.n_words:
            raise ParameterError(
                f"n_words={self.n_words!r}: the pictures have {n_patches} patches to learn from; choose at most that "
                "many words, or give more pictures"
            )
        drawn = np.arange(n_patches) if n_patches <= _SAMPLE else rng.integers(0, n_patches, _SAMPLE)
        chosen, rows, columns = np.unravel_index(drawn, windows.shape[:3])
        patches = np.empty((len(drawn), self.patch**2), np.float32)
        for start in range(0, len(pictures), _DRAWN_FROM):
            part = np.flatnonzero((chosen >= start) & (chosen < start + _DRAWN_FROM))
            seen = sliding_window_view(
                self._seen(pictures[start : start + _DRAWN_FROM]), (self.patch, self.patch), axis=(1, 2)
            )
            patches[part] = seen[chosen[part] - start, rows[part], columns[part]].reshape(len(part), -1)
        patches = _normalise(patches)
        self.patch_mean_ = patches.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(patches.T.astype(np.float64)))
        # Rounding may leave the smallest variance a hair below 0.
        stretch = 1 / np.sqrt(np.maximum(variances, 0) + _WHITENING_FLOOR)
        self.whitening_ = ((axes * stretch) @ axes.T).astype(np.float32)
        # Neither stops early: when to stop would depend on sums whose order the number of threads decides.
        kmeans = MiniBatchKMeans(
            self.n_words,
            batch_size=4096,
            max_iter=20,
            n_init=1,
            tol=0.0,
            max_no_improvement=None,
            random_state=self.random_state,
        )
        self.words_ = kmeans.fit(self._whiten(patches)).cluster_centers_.astype(np.float32)

    def _seen(self, pictures: np.ndarray) -> np.ndarray:
        """Return what the patches are cut from."""
        return pictures

    def _whiten(self, patches: np.ndarray) -> np.ndarray:
        return np.matmul(patches - self.patch_mean_, self.whitening_)

    def _compute(self, pictures: np.ndarray) -> np.ndarray:
        down, across = (pooling_weights(n, self.grid) for n in self._positions(self.image_shape_))
        pooling = np.kron(down, across).astype(np.float32)
        rows = np.empty((len(pictures), self.grid**2, self.n_words), np.float32)
        scratch = np.empty((_CHUNK, pooling.shape[1], self.n_words), np.float32)
        for start in range(0, len(pictures), _CHUNK):
            patches = cut_patches(self._seen(pictures[start : start + _CHUNK]), patch=self.patch, stride=self.stride)
            answers = encode(self._whiten(patches), self.words_, out=scratch[: len(patches)])
            np.matmul(pooling, answers, out=rows[start : start + _CHUNK])
        return rows.reshape(len(pictures), -1)

    def _names(self) -> list[str]:
        cell_digits, word_digits = len(str(self.grid - 1)), len(str(self.n_words - 1))
        return [
            f"cell_r{r:0{cell_digits}}_c{c:0{cell_digits}}_word{k:0{word_digits}}"
            for r in range(self.grid)
            for c in range(self.grid)
            for k in range(self.n_words)
        ]


class TanTriggsWords(Words):
    r"""Visual words of the picture after its light was taken out, as `Words` are of its grey levels.

    1. Tan and Triggs' normalisation: gamma, difference of Gaussian blurs, contrast equalisation; see `even_light`.
    2. Then the steps of `Words`, with words learnt from what is left.

    Words of the grey levels tell more about pictures of a known kind; these change less from one camera and one light
    to the next, and err elsewhere, so that the two are worth more together, each with a machine of its own.

    Parameters
    ----------
    n_words : int, default=100
        Words, at least 2.
    patch : int, default=6
        Side of a patch in pixels, at least 2 and at most the shorter side of the picture.
    stride : int, default=2
        Pixels from one patch to the next, at least 1.
    grid : int, default=4
        Cells across, and down; at least 1, at most the number of patches that fit.
    random_state : int, default=0
        Seed of the patches drawn and of k-means, 0 or more.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the pictures seen in `fit`.
    n_features_out_ : int
        ``grid ** 2 * n_words``: 1600 by default.
    whitening_, patch_mean_, words_ : ndarray of float32
        As in `Words`.

    Raises
    ------
    ParameterError
        In `fit`, as `Words`.
    PictureError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its pictures changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32, 0 or more. To the cost of `Words` come two
    powers a pixel and four small matrix products. Adding a constant to a picture changes it; multiplying a bright one
    hardly does.

    Departures from the papers: those of `Words`, and blurs of 0.7 and 3 pixels instead of 1 and 2.

    References
    ----------
    X. Tan and B. Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting
    conditions", IEEE Transactions on Image Processing 19, 2010. https://doi.org/10.1109/TIP.2010.2042645

    Examples
    --------
    >>> from classic_eyes.features import TanTriggsWords
    >>> from classic_eyes.synthetic import make_eyes
    >>> pictures = make_eyes(20, random_state=0).pictures
    >>> TanTriggsWords(n_words=20).fit_transform(pictures).shape
    (20, 320)
    """

    def _seen(self, pictures: np.ndarray) -> np.ndarray:
        return even_light(pictures)
