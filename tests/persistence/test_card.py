"""The model card: which images a model was trained on."""

from __future__ import annotations

import numpy as np

from classic_eyes.persistence.card import _known_images, _pack_digests, trained_on

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 24, 24), dtype=np.uint8)


def test_images_of_the_training_are_found_again():
    card = {"trained_on": _pack_digests(IMAGES[:30])}
    np.testing.assert_array_equal(trained_on(card, IMAGES), np.arange(50) < 30)
    # In any order and number, and a strided view.
    assert trained_on(card, np.ascontiguousarray(IMAGES[29:31])).tolist() == [True, False]
    assert trained_on(card, IMAGES[::-1][:2].transpose(0, 2, 1)).tolist() == [False, False]
    assert len(card["trained_on"]["digests"]) == 30 * 6 * 4 / 3
    assert card["trained_on"] == _pack_digests(IMAGES[np.r_[10:30, 0:10, 5]])


def test_images_of_a_start_are_known_too():
    start = {"trained_on": _pack_digests(IMAGES[:10]), "found_labels_on": _pack_digests(IMAGES[10:20])}
    card = {**_known_images("trained_on", IMAGES[20:30], start), **_known_images("found_labels_on", None, start)}
    np.testing.assert_array_equal(np.flatnonzero(trained_on(card, IMAGES)), [*range(10), *range(20, 30)])
    np.testing.assert_array_equal(np.flatnonzero(trained_on(card, IMAGES, found=True)), range(10, 20))
    assert _known_images("trained_on", None, {}) == {}
    assert _known_images("trained_on", IMAGES[:0], None) == {}


def test_cards_without_readable_digests_know_no_image():
    good = _pack_digests(IMAGES)
    for stored in (None, {}, 3, {**good, "size": 48}, {**good, "digests": "é"}, {**good, "digests": 5}, {"size": "x"}):
        assert not trained_on({"trained_on": stored}, IMAGES).any()
    assert not trained_on({}, IMAGES).any()
