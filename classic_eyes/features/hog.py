"""Histograms of oriented gradients at several cell sizes, by OpenCV (Dalal & Triggs, 2005)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ParameterError
from .base import Extractor, check_integer

__all__ = ["Hog"]


class Hog(Extractor):
    """Histograms of oriented gradients, at one or several cell sizes.

    1. Gradient of the square root of the grey levels by [-1, 0, 1] in both directions; the border is reflected without
       repeating its last pixel.
    2. Each pixel votes with its gradient magnitude, optionally weighted by a Gaussian over the block, for the two
       nearest of `n_bins` orientations over 180 degrees in the up to four nearest cells of a block.
    3. Blocks of 2 x 2 cells, one cell apart, are normalized to length 1, clipped at 0.2 and normalized again (L2-Hys).
    4. Steps 2 and 3 for each cell size of `cells`, in ascending order.

    An open eye shows the round edge of the iris between two lids; a closed eye shows edges of one orientation, along
    the lashes.

    Parameters
    ----------
    cells : tuple of int, default=(6,)
        Distinct sides of the cells in pixels, each at least 2; each divides both sides of the image at least twice.
    n_bins : int, default=9
        Number of orientations over 180 degrees, at least 2.
    gaussian : bool, default=True
        Whether to weight the pixels of a block by a Gaussian. Without it, the features of the mirror image are a
        permutation of those of the image, so that `classic_eyes.svm.SymmetricSvm` needs no second pass.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images passed to `fit`.
    n_features_out_ : int
        Sum over the cell sizes c of ``(height / c - 1) * (width / c - 1) * 4 * n_bins``: 324 at 24 x 24 by
        default.

    Raises
    ------
    ParameterError
        In `fit`, if `cells` is empty, repeats a size, or contains one that is not an integer of at least 2 or does not
        divide both sides at least twice; if `n_bins` is not an integer of at least 2, or `gaussian` is not a bool.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output is float32 in [0, 1]. The cost is linear in the pixels
    for each cell size. Without the Gaussian, a horizontal flip permutes the columns up to 1e-6; no other invariance is
    exact. Multiplying an image by a constant hardly changes blocks with strong edges: a block is divided by its length
    plus ``0.4 * n_bins`` square roots of grey levels. Transposing an image transposes the cells and reverses the bins
    if `n_bins` is even.

    Departures from the paper: several cell sizes; the order of blocks and cells is OpenCV's, by columns, so that names
    begin with the column; the centre of OpenCV's Gaussian lies half a pixel right of and below the centre of the block,
    so that mirrored or rotated images give slightly different values.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.
    https://doi.org/10.1109/CVPR.2005.177

    Examples
    --------
    >>> from classic_eyes.features import Hog
    >>> from classic_eyes.synthetic import make_eyes
    >>> images = make_eyes(4, random_state=0).images
    >>> hog = Hog().fit(images)
    >>> hog.transform(images).shape
    (4, 324)
    >>> hog.get_feature_names_out()[0]
    'cell06_block_c0_r0_cell_c0_r0_bin00'
    """

    descriptor = "hog"

    def __init__(self, *, cells: Sequence[int] = (6,), n_bins: int = 9, gaussian: bool = True) -> None:
        self.cells = cells
        self.n_bins = n_bins
        self.gaussian = gaussian

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        remedy = "(6,) is the default"
        if not isinstance(self.cells, Sequence) or isinstance(self.cells, str) or not self.cells:
            raise ParameterError(f"cells is {self.cells!r}; allowed is a tuple of at least one cell size; {remedy}")
        for cell in self.cells:
            check_integer("cells", cell, least=2, remedy=remedy)
            if any(side % cell or side < 2 * cell for side in shape):
                raise ParameterError(
                    f"cells is {self.cells!r}; a cell of {cell} pixels does not divide images of {shape} (height, "
                    "width) pixels at least twice in both directions; choose a common divisor of both sides"
                )
        if len(set(self.cells)) < len(self.cells):
            raise ParameterError(f"cells is {self.cells!r}; allowed is each size once; {remedy}")
        check_integer("n_bins", self.n_bins, least=2, remedy="9 is the default")
        if not isinstance(self.gaussian, bool | np.bool_):
            raise ParameterError(f"gaussian is {self.gaussian!r}; allowed is True or False; True is the default")

    def _settings(self) -> dict[str, Any]:
        return {"cells": sorted(self.cells), "n_bins": self.n_bins, "gaussian": bool(self.gaussian)}

    def _mirrored_columns(self) -> np.ndarray | None:
        # The Gaussian is not symmetric: its centre lies half a pixel right of the centre of the block.
        if self.gaussian:
            return None
        height, width = self.image_shape_
        parts, start = [], 0
        for cell in sorted(self.cells):
            shape = (width // cell - 1, height // cell - 1, 2, 2, self.n_bins)
            columns = start + np.arange(np.prod(shape)).reshape(shape)
            parts.append(columns[::-1, :, ::-1, :, ::-1].ravel())
            start += columns.size
        return np.concatenate(parts)

    def _names(self) -> list[str]:
        height, width = self.image_shape_
        names = []
        cell_digits, bin_digits = max(2, len(str(max(self.cells)))), max(2, len(str(self.n_bins - 1)))
        for cell in sorted(self.cells):
            digits = len(str(max(height, width) // cell - 2))
            names += [
                f"cell{cell:0{cell_digits}}_block_c{bc:0{digits}}_r{br:0{digits}}_cell_c{c}_r{r}_bin{b:0{bin_digits}}"
                for bc in range(width // cell - 1)
                for br in range(height // cell - 1)
                for c in range(2)
                for r in range(2)
                for b in range(self.n_bins)
            ]
        return names
