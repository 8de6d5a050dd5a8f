"""Images of non-eyes, and how well detectors trained on eyes alone find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from classic_eyes.datasets import group_folds
from classic_eyes.features import make_extractor
from classic_eyes.images import as_images
from classic_eyes.metrics import accuracy, bootstrap_interval
from classic_eyes.training.novelty import fit_novelty

__all__ = ["DETECTORS", "NAMED", "evaluate_detectors", "make_non_eyes"]

Images = NDArray[np.uint8]
Score = Callable[[Images], NDArray[np.float64]]

_TEXTURES = ("brick", "grass", "gravel")
_PHOTOGRAPHS = (
    *("camera", "cell", "chelsea", "coffee", "coins", "horse", "hubble_deep_field", "immunohistochemistry"),
    *("moon", "page", "retina", "rocket", "text"),
)
# Kinds that detectors are compared by; patches of photographs may look like an eye, too.
NAMED = ("textures", "faces", "letters", "noise")
_GLYPHS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MAX_ROWS = 4000


def make_non_eyes(random_state: int = 0) -> dict[str, Images]:
    """Return images of non-eyes, uint8 of shape (n, 24, 24) for each kind.

    1. ``textures`` and ``photographs``: patches of 24 to 96 pixels of images that come with scikit-image.
    2. ``faces``: whole faces, those of scikit-image's ``lfw_subset``.
    3. ``letters``: letters and digits in OpenCV's fonts, dark on light and light on dark.
    4. ``noise``: uniform, normal, normal and blurred, and nearly flat.

    References
    ----------
    Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild", technical report 07-49, 2007 (no DOI).

    Examples
    --------
    >>> {kind: len(images) for kind, images in make_non_eyes().items()}
    {'textures': 450, 'photographs': 1040, 'faces': 100, 'letters': 400, 'noise': 400}
    """
    from skimage import data

    rng = np.random.default_rng(random_state)
    patches = {
        kind: as_images([patch for name in names for patch in _patches(getattr(data, name)(), n, rng)])
        for kind, names, n in (("textures", _TEXTURES, 150), ("photographs", _PHOTOGRAPHS, 80))
    }
    letters = as_images([_letter(rng) for _ in range(400)])
    noise = np.stack([_noise(number % 4, rng) for number in range(400)])
    return {**patches, "faces": as_images(list(data.lfw_subset()[:100])), "letters": letters, "noise": noise}


def _patches(image: NDArray[Any], n: int, rng: np.random.Generator) -> list[NDArray[Any]]:
    found = []
    for _ in range(n):
        side = int(rng.integers(24, min(96, *image.shape[:2]) + 1))
        top, left = (int(rng.integers(0, length - side + 1)) for length in image.shape[:2])
        found.append(image[top : top + side, left : left + side])
    return found


def _letter(rng: np.random.Generator) -> Images:
    glyph, font = _GLYPHS[rng.integers(len(_GLYPHS))], int(rng.integers(8))
    scale, thickness = rng.uniform(1.5, 3), int(rng.integers(2, 10))
    (width, height), _ = cv2.getTextSize(glyph, font, scale, thickness)
    across, down = rng.integers(-8, 9, 2)
    dark, light = np.sort(rng.uniform(0, 255, 2))
    if light - dark < 60:
        dark, light = 30.0, 220.0
    ink, paper = (dark, light) if rng.random() < 0.5 else (light, dark)
    sheet = np.full((96, 96), round(paper), np.uint8)
    place = ((96 - width) // 2 + int(across), (96 + height) // 2 + int(down))
    return np.asarray(cv2.putText(sheet, glyph, place, font, scale, round(ink), thickness, cv2.LINE_AA))


def _noise(kind: int, rng: np.random.Generator) -> Images:
    if kind == 0:
        return rng.integers(0, 256, (24, 24), dtype=np.uint8)
    levels: NDArray[Any] = rng.normal(0, 1, (24, 24))
    if kind == 1:
        levels = rng.uniform(60, 200) + rng.uniform(5, 60) * levels
    elif kind == 2:
        levels = cv2.GaussianBlur(levels, (0, 0), rng.uniform(0.7, 2))
        levels = 128 + levels / levels.std() * rng.uniform(10, 60)
    else:
        levels = rng.uniform(0, 255) + levels
    return np.clip(levels, 0, 255).astype(np.uint8)


# -- detectors: functions from eyes and their groups to a score function --


def _residuals(images: Images, groups: NDArray[Any], random_state: int) -> Score:
    return fit_novelty(images, groups, random_state=random_state).score


def _svm_on_residuals(images: Images, groups: NDArray[Any], random_state: int) -> Score:
    # Residuals of the images that the components were fitted to are too small, so the SVM is fitted to others.
    (first, second), _ = group_folds(np.zeros(len(groups), dtype=int), groups, 2, random_state=random_state)
    novelty = fit_novelty(images[first], groups[first], random_state=random_state)
    decide = _one_class(novelty.residuals(images[second]), 0.3, random_state)
    return lambda batch: decide(novelty.residuals(batch))


def _svm_on_components(images: Images, groups: NDArray[Any], random_state: int) -> Score:
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    extractors = [make_extractor(name).fit(images) for name in ("hog", "pixels")]

    def _describe(batch: Images) -> NDArray[np.float32]:
        return np.hstack([extractor.transform(batch) for extractor in extractors])

    n_components = min(100, len(images) // 4)
    before = make_pipeline(StandardScaler(), PCA(n_components, whiten=True, random_state=random_state))
    decide = _one_class(before.fit_transform(_describe(images)), 0.5, random_state)
    return lambda batch: decide(before.transform(_describe(batch)))


def _one_class(rows: NDArray[Any], width: float, random_state: int) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import OneClassSVM

    chosen = np.random.default_rng(random_state).permutation(len(rows))[:_MAX_ROWS]
    model = make_pipeline(StandardScaler(), OneClassSVM(gamma=width / rows.shape[1], nu=0.02)).fit(rows[chosen])
    return lambda batch: -model.decision_function(batch)


DETECTORS: dict[str, Callable[[Images, NDArray[Any], int], Score]] = {
    "residuals": _residuals,
    "one-class SVM on the residuals": _svm_on_residuals,
    "one-class SVM on components": _svm_on_components,
}


def evaluate_detectors(
    sets: Sequence[tuple[str, Images, NDArray[Any]]],
    *,
    n_splits: int = 5,
    random_state: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Return how many non-eyes each detector finds at a false positive rate of 1%.

    1. The eyes of all sets together are split into folds by group. A detector is fitted to all folds but one and
       scores that one.
    2. The threshold is the 99th percentile of the scores of held-out eyes. A non-eye counts with the proportion of the
       folds whose detector scores it above the threshold.
    3. For the detector that ships, also the false positive rate on each set at its own threshold.

    `sets` holds names, eyes and groups; `tick` is called after each of ``n_splits`` times the number of `DETECTORS`
    steps. Returns ``n``, eyes; ``non_eyes``, kind to number; ``detectors``, name to ``eyes`` (of each set) and
    ``found`` (of each kind); ``own_threshold``, for each set. Proportions come with their interval and n.

    References
    ----------
    Scholkopf, Platt, Shawe-Taylor, Smola, Williamson, Neural Computation 13, 2001, doi:10.1162/089976601750264965.
    """
    images = np.concatenate([part for _, part, _ in sets])
    groups = np.concatenate([np.char.add(f"{name}:", np.asarray(part, dtype=str)) for name, _, part in sets])
    owner = np.repeat(np.arange(len(sets)), [len(part) for _, part, _ in sets])
    non_eyes = make_non_eyes(random_state)
    folds = group_folds(owner, groups, n_splits, random_state=random_state)
    result: dict[str, Any] = {"n": len(images), "non_eyes": {kind: len(part) for kind, part in non_eyes.items()}}
    result["detectors"], result["own_threshold"] = {}, {}
    for name, make in DETECTORS.items():
        own = np.empty(len(images))
        others: dict[str, list[NDArray[np.float64]]] = {kind: [] for kind in non_eyes}
        for train, test in folds:
            score = make(images[train], groups[train], random_state)
            own[test] = score(images[test])
            for kind, part in non_eyes.items():
                others[kind].append(score(part))
            tick()
        threshold = float(np.quantile(own, 0.99))
        found = {kind: (np.stack(scores) > threshold).mean(axis=0) for kind, scores in others.items()}
        found["all four named"] = np.concatenate([found[kind] for kind in NAMED])
        result["detectors"][name] = {
            "eyes": _rates_of_sets(sets, owner, groups, own > threshold),
            "found": {kind: _proportion(part) for kind, part in found.items()},
        }
        if name == "residuals":
            result["own_threshold"] = _rates_of_sets(sets, owner, groups, own > 1)
    return result


def _rates_of_sets(
    sets: Sequence[tuple[str, Images, NDArray[Any]]],
    owner: NDArray[np.intp],
    groups: NDArray[Any],
    flagged: NDArray[np.bool_],
) -> dict[str, Any]:
    rates = {}
    for number, (name, part, _) in enumerate(sets):
        members = owner == number
        kept = 1.0 - flagged[members]
        low, high = bootstrap_interval(accuracy, np.ones(len(part), dtype=int), kept, groups[members])
        rates[name] = {"value": float(flagged[members].mean()), "low": 1 - high, "high": 1 - low, "n": len(part)}
    return rates


def _proportion(found: NDArray[np.float64]) -> dict[str, Any]:
    from scipy.stats import binomtest

    interval = binomtest(round(float(found.sum())), len(found)).proportion_ci(method="wilson")
    return {"value": float(found.mean()), "low": float(interval.low), "high": float(interval.high), "n": len(found)}
