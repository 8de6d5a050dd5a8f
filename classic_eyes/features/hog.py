"""Histograms of oriented gradients at several cell sizes, by OpenCV (Dalal & Triggs, 2005)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..descriptors.hog import compute_hog
from ..errors import ParameterError
from .base import Extractor, check_integer

__all__ = ["Hog", "compute_hog"]


class Hog(Extractor):
    """Directions of the edges in small cells, at one or several cell sizes.

    1. Gradient of the square root of the grey values by [-1, 0, 1] across and down, the border mirrored without
       repeating its last pixel.
    2. Each pixel votes with its gradient's length, weighted by a Gaussian over the block or not, for the two nearest of
       `n_bins` directions over 180 degrees in the up to four nearest cells of a block.
    3. Blocks of 2 x 2 cells, one cell apart, are scaled to length 1, clipped at 0.2 and scaled again (L2-Hys).
    4. Steps 2 and 3 for each cell size of `cells`, smallest first.

    An open eye shows the round edge of the iris between two lids; a closed one edges of one direction, along
    the lashes.

    Parameters
    ----------
    cells : tuple of int, default=(6,)
        Sides of the cells in pixels, each at least 2, none twice; each divides both sides of the image,
        and goes in at least twice.
    n_bins : int, default=9
        Directions over 180 degrees, at least 2.
    gaussian : bool, default=True
        Whether pixels count less towards the border of a block. Without, the features of the mirror image are those of
        the image in another order, which saves the classifier ``mirror`` a second pass.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width in pixels of the images seen in `fit`.
    n_features_out_ : int
        Sum over the cell sizes c of ``(height / c - 1) * (width / c - 1) * 4 * n_bins``: 324 at 24 x 24 by
        default.

    Raises
    ------
    ParameterError
        In `fit`, if `cells` is empty, holds a size twice, or one that is not an integer of at least 2 or does not
        divide both sides at least twice; if `n_bins` is not an integer of at least 2, or `gaussian` not a bool.
    ImageError
        In `fit` and `transform`, if `X` is not a non-empty uint8 batch, or its images changed shape since `fit`.

    Notes
    -----
    Input is uint8 of shape (n, height, width), row first; output float32 in [0, 1]. The cost is one OpenCV call a
    image and cell size, linear in the pixels. Without the Gaussian, mirroring moves the columns, to a millionth; no
    other invariance is exact. Multiplying an image by a scales all edges by the root of a, which the blocks' scaling
    takes out where edges are strong: a block is divided by its length plus ``0.4 * n_bins`` roots of grey levels.
    Swapping rows and columns swaps them in the cells and reverses the bins, for an even `n_bins`.

    Departures from the paper: several cell sizes; OpenCV's order of blocks and cells, which is by columns, so names
    begin with the column; OpenCV's Gaussian, whose centre lies half a pixel right of and below the block's, so that a
    mirrored or turned image does not give quite the same numbers in other places.

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

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A file of an earlier version knows nothing of the parameter.
        super().__setstate__({"gaussian": True, **state})

    def _check_parameters(self, shape: tuple[int, int]) -> None:
        remedy = "(6,) is the default"
        if not isinstance(self.cells, Sequence) or isinstance(self.cells, str) or not self.cells:
            raise ParameterError(f"cells={self.cells!r}: expected a tuple of at least one cell size; {remedy}")
        for cell in self.cells:
            check_integer("cells", cell, least=2, remedy=remedy)
            if any(side % cell or side < 2 * cell for side in shape):
                raise ParameterError(
                    f"cells={self.cells!r}: a cell of {cell} pixels does not divide images of {shape} (height, "
                    "width) at least twice each way; choose a common divisor of both sides"
                )
        if len(set(self.cells)) < len(self.cells):
            raise ParameterError(f"cells={self.cells!r}: expected each size once; {remedy}")
        check_integer("n_bins", self.n_bins, least=2, remedy="9 is the default")
        if not isinstance(self.gaussian, bool | np.bool_):
            raise ParameterError(f"gaussian={self.gaussian!r}: expected True or False; True is the default")

    def _settings(self) -> dict[str, Any]:
        return {"cells": sorted(self.cells), "n_bins": self.n_bins, "gaussian": bool(self.gaussian)}

    def _mirrored_columns(self) -> np.ndarray | None:
        # OpenCV centres its Gaussian half a pixel right of the block's own centre.
        if self.gaussian:
            return None
        height, width = self.image_shape_
        parts, start = [], 0
        for cell in sorted(self.cells):
            shape = (width // cell - 1, height // cell - 1, 2, 2, self.n_bins)
            places = start + np.arange(np.prod(shape)).reshape(shape)
            parts.append(places[::-1, :, ::-1, :, ::-1].ravel())
            start += places.size
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
