"""Views for clustering."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.preprocessing.alignment import align, shipped_alignment
from classic_eyes.preprocessing.augmentation import flip
from classic_eyes.preprocessing.glare import remove_glare
from classic_eyes.semisupervised import embed_2d, make_view

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_leading_components_are_the_first_columns(hog_view):
    narrow = hog_view.leading(5, mirrored=False)
    assert np.array_equal(narrow.rows, hog_view.rows[: hog_view.n, :5])
    assert not narrow.mirrored
    values = np.arange(hog_view.n)
    assert np.array_equal(hog_view.average(hog_view.repeat(values).astype(float)), values)
    assert np.array_equal(narrow.repeat(values), values)


def test_rows_are_the_images_and_then_their_mirror_images(eyes):
    view, flipped = (make_view(images, ("hog",), n_components=8) for images in (eyes.images, flip(eyes.images)))
    n = len(eyes.images)
    assert view.rows.shape == (2 * n, 8)
    assert view.rows.dtype == np.float32
    assert view.mirrored
    # The same images in the other order give the same components up to their sign.
    assert np.allclose(np.abs(view.rows[:n]), np.abs(flipped.rows[n:]), atol=1e-3)


def test_embedding_has_two_coordinates_per_image(hog_view):
    embedded = embed_2d(hog_view, max_images=40)
    assert (embedded["index"][0], embedded["index"][-1]) == (0, 299)
    assert np.shape(embedded["pca"]) == np.shape(embedded["tsne"]) == (40, 2)
    np.testing.assert_allclose(embedded["pca"], hog_view.rows[embedded["index"], :2], atol=6e-4)


def test_unknown_features_and_no_components_are_refused(eyes):
    with pytest.raises(ParameterError, match="n_components is 0"):
        make_view(eyes.images, ("hog",), n_components=0)
    with pytest.raises(ParameterError, match="hgo"):
        make_view(eyes.images, ("hgo",))


def test_views_are_three_of_the_images_and_two_of_aligned_eyes(eyes, views):
    assert [view.name for view in views] == ["hog+lbp", "words", "words_tt", "aligned hog+lbp", "aligned words_tt"]
    assert [view.aligned for view in views] == [False, False, False, True, True]
    aligned = align(remove_glare(eyes.images), shipped_alignment())
    assert np.array_equal(make_view(aligned, ("hog", "lbp")).rows, views[3].rows)
