"""Visual words: which of a learnt set of small patches the image is made of, and where (Coates, Lee, Ng, 2011).

Of the grey levels themselves, and of what Tan and Triggs (2010) leave of them when the light is taken out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import MiniBatchKMeans

from ..descriptors.words import cut_patches, encode, normalise_patches, pooling_weights
from ..errors import ParameterError
from ..preprocessing.illumination import even_light
from .base import Extractor, check_integer

__all__ = ["TanTriggsWords", "Words", "cut_patches", "encode", "even_light", "pooling_weights"]

_SAMPLE = 100_000  # patches to learn from: more changed no figure
_WHITENING_FLOOR = 0.1  # of the variance of a normalised patch, which is near 1
_DRAWN_FROM = 4096  # images at a time, when drawing patches to learn from
_CODINGS = ("triangle", "squared")
_PAIRINGS = 12  # rounds in which words and their mirror images settle; more moved no figure


class Words(Extractor):
    r"""How much of each of a set of learnt patches there is in each part of the image.

    1. Square patches of `patch` pixels are cut every `stride` pixels; each loses its mean and is divided by the root of
       its variance plus 10 squared.
    2. They are whitened: turned and scaled so that patches of the training images have no correlation (ZCA).
    3. In `fit`, k-means on 100,000 random patches of the training images, or all where there are fewer, finds
       `n_words` centres, the words. No label is used.
    4. A patch answers to word k by :math:`\max(0, \bar d - d_k)`, where :math:`d_k` is its distance to the word and
       :math:`\bar d` its mean distance to all words; with ``coding="squared"`` distances are squared first.
    5. The answers are averaged in `grid` x `grid` cells; a patch position that lies across a border is shared out.

    The rim of an iris, the corner where the lids meet, lashes and the crease above the lid are words; where they stand
    tells open from closed.

    Parameters
    ----------
    n_words : int, default=100
        Words, at least 2.
    patch : int, default=6
        Side of a patch in pixels, at least 2 and at most the shorter side of the image.
    stride : int, default=2
        Pixels from one patch to the next, at least 1.
    grid : int, default=4
        Cells across, and down; at least 1, at most the number of patches that fit.
    coding : str, default="triangle"
        ``"triangle"``: step 4; ``"squared"``: the same with squared distances, one product a patch and quicker.
    mirrored : bool, default=False
        Whether words come in pairs, each with its mirror image, so that `mirrored_columns` has an answer; then
        `n_words` is even and `stride` divides what a patch leaves of the width.
    random_state : int, default=0
        Seed of the patches drawn and of k-means, 0 or more.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
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
        images, or if the images have fewer patches than `n_words`.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32, 0 or more. The cost is ``patch ** 2 *
    n_words`` multiplications a patch. Adding a constant to an image changes nothing but rounding; a change of contrast
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

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A file of an earlier version knows nothing of parameters that came later.
        super().__setstate__({"coding": "triangle", "mirrored": False, **state})

    @property
    def descriptor(self) -> str:  # type: ignore[override]
        """The function that computes the rows, which depends on the coding.

        Returns
        -------
        str
            A key of `classic_eyes.descriptors.DESCRIPTORS`.
        """
        return "filters" if self.coding == "squared" else "words"

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        check_integer("n_words", self.n_words, least=2, remedy="100 is the default")
        patch = check_integer("patch", self.patch, least=2, remedy="6 pixels is the default")
        check_integer("stride", self.stride, least=1, remedy="2 pixels is the default")
        grid = check_integer("grid", self.grid, least=1, remedy="4 is the default")
        check_integer("random_state", self.random_state, least=0, remedy="0 is the default")
        if self.coding not in _CODINGS:
            raise ParameterError(f"coding={self.coding!r}: expected one of {', '.join(map(repr, _CODINGS))}")
        if not isinstance(self.mirrored, bool):
            raise ParameterError(f"mirrored={self.mirrored!r}: expected True (words come in mirrored pairs) or False")
        if self.mirrored and self.n_words % 2:
            raise ParameterError(
                f"n_words={self.n_words!r}: with mirrored=True words come in pairs; choose an even number"
            )
        if patch > min(shape):
            raise ParameterError(
                f"patch={self.patch!r}: does not fit into images of {shape} (height, width) pixels; "
                f"choose at most {min(shape)}"
            )
        if self.mirrored and (shape[1] - patch) % self.stride:
            raise ParameterError(
                f"stride={self.stride!r}: with mirrored=True the patches must lie alike in the mirror, and {shape[1]} "
                f"pixels less a patch of {patch} is no multiple of it; choose another stride or patch"
            )
        if grid > min(self._positions(shape)):
            raise ParameterError(
                f"grid={self.grid!r}: only {self._positions(shape)} patches (down, across) of {patch} pixels every "
                f"{self.stride} fit into images of {shape} (height, width) pixels; choose at most "
                f"{min(self._positions(shape))}, or a smaller stride"
            )

    def _positions(self, shape: tuple[int, int]) -> tuple[int, int]:
        down, across = ((side - self.patch) // self.stride + 1 for side in shape)
        return down, across

    def _learn(self, images: np.ndarray) -> None:
        rng = np.random.default_rng(self.random_state)
        windows = sliding_window_view(images, (self.patch, self.patch), axis=(1, 2))
        n_patches = windows.shape[0] * windows.shape[1] * windows.shape[2]
        if n_patches < self.n_words:
            raise ParameterError(
                f"n_words={self.n_words!r}: the images have {n_patches} patches to learn from; choose at most that "
                "many words, or give more images"
            )
        drawn = np.arange(n_patches) if n_patches <= _SAMPLE else rng.integers(0, n_patches, _SAMPLE)
        chosen, rows, columns = np.unravel_index(drawn, windows.shape[:3])
        patches = np.empty((len(drawn), self.patch**2), np.float32)
        for start in range(0, len(images), _DRAWN_FROM):
            part = np.flatnonzero((chosen >= start) & (chosen < start + _DRAWN_FROM))
            seen = sliding_window_view(
                self._seen(images[start : start + _DRAWN_FROM]), (self.patch, self.patch), axis=(1, 2)
            )
            patches[part] = seen[chosen[part] - start, rows[part], columns[part]].reshape(len(part), -1)
        patches = normalise_patches(patches)
        known = np.concatenate([patches, patches[:, self._mirrored_pixels()]]) if self.mirrored else patches
        self.patch_mean_ = known.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(known.T.astype(np.float64)))
        # Rounding may leave the smallest variance a hair below 0.
        stretch = 1 / np.sqrt(np.maximum(variances, 0) + _WHITENING_FLOOR)
        self.whitening_ = ((axes * stretch) @ axes.T).astype(np.float32)
        # Neither stops early: when to stop would depend on sums whose order the number of threads decides.
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
        """Return words and their mirror images, the words moved to where both together describe the patches best."""
        pixels, half = self._mirrored_pixels(), len(words)
        for _ in range(_PAIRINGS):
            both = np.concatenate([words, words[:, pixels]])
            nearest = np.argmin(np.einsum("ij,ij->i", both, both) - 2 * whitened @ both.T, axis=1)
            turned = np.where((nearest >= half)[:, np.newaxis], whitened[:, pixels], whitened)
            moved = np.zeros((half, len(pixels)))
            np.add.at(moved, nearest % half, turned)
            count = np.bincount(nearest % half, minlength=half)[:, np.newaxis]
            words = np.where(count > 0, moved / np.maximum(count, 1), words).astype(np.float32)
        return np.concatenate([words, words[:, pixels]])

    def _seen(self, images: np.ndarray) -> np.ndarray:
        """Return what the patches are cut from."""
        return even_light(images) if self._light else images

    def _settings(self) -> dict[str, Any]:
        common = {"patch": self.patch, "stride": self.stride, "grid": self.grid, "light": self._light}
        if self.coding == "triangle":
            learnt = {"whitening": self.whitening_, "patch_mean": self.patch_mean_, "words": self.words_}
            return {**common, **learnt}
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
    r"""Visual words of the image after its light was taken out, as `Words` are of its grey levels.

    1. Tan and Triggs' normalisation: gamma, difference of Gaussian blurs, contrast equalisation; see `even_light`.
    2. Then the steps of `Words`, with words learnt from what is left.

    Words of the grey levels tell more about images of a known kind; these change less from one camera and one light
    to the next, and err elsewhere, so that the two are worth more together, each with a machine of its own.

    Parameters
    ----------
    n_words : int, default=100
        Words, at least 2.
    patch : int, default=6
        Side of a patch in pixels, at least 2 and at most the shorter side of the image.
    stride : int, default=2
        Pixels from one patch to the next, at least 1.
    grid : int, default=4
        Cells across, and down; at least 1, at most the number of patches that fit.
    coding : str, default="triangle"
        ``"triangle"``: step 4; ``"squared"``: the same with squared distances, one product a patch and quicker.
    mirrored : bool, default=False
        Whether words come in pairs, each with its mirror image, so that `mirrored_columns` has an answer; then
        `n_words` is even and `stride` divides what a patch leaves of the width.
    random_state : int, default=0
        Seed of the patches drawn and of k-means, 0 or more.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
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
    Input is uint8 of shape (n, height, width), row first; output float32, 0 or more. To the cost of `Words` come two
    powers a pixel and four small matrix products. Adding a constant to an image changes it; multiplying a bright one
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
    >>> images = make_eyes(20, random_state=0).images
    >>> TanTriggsWords(n_words=20).fit_transform(images).shape
    (20, 320)
    """

    _light = True
