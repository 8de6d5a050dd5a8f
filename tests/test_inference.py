"""Inference: the compiled decision agrees with scikit-learn, and folders are scored in order, in chunks, the same."""

from __future__ import annotations

import json
import threading

import cv2
import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_info

from classic_eyes import EyeClassifier
from classic_eyes._utils.threads import one_thread
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS
from classic_eyes.inference import Program, Scored, score_files
from classic_eyes.inference.program import Block
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.compiling import NotCompilableError, compile_program, decide_as_fitted, margins
from classic_eyes.training.pipelines import CLASSIFIERS, build_pipeline

EYES = make_eyes(150, random_state=1)
OTHER = make_eyes(60, random_state=2).images


def slow_margin(row: np.ndarray, pipeline) -> float:
    """The RBF decision as its formula says, one support vector at a time."""
    scaler, svm = pipeline.named_steps["scaler"], pipeline.named_steps["classifier"]
    z = (row - scaler.mean_) / scaler.scale_
    if "pca" in pipeline.named_steps:
        z = (z - pipeline.named_steps["pca"].mean_) @ pipeline.named_steps["pca"].components_.T
    pairs = zip(svm.support_vectors_, svm.dual_coef_[0], strict=True)
    return sum(a * np.exp(-svm._gamma * ((z - s) ** 2).sum()) for s, a in pairs) + svm.intercept_[0]


def compiled(pipeline, *, flip_average: bool = False) -> Program:
    return compile_program([pipeline], size=24, flip_average=flip_average, calibration=(1.0, 0.0))


@pytest.mark.parametrize("n_components", [15, None])
def test_the_compiled_svm_is_the_formula(n_components):
    pipeline = build_pipeline(["profile"], n_components=n_components).fit(EYES.images, EYES.labels)
    expected = [slow_margin(row.astype(float), pipeline) for row in pipeline[0].transform(OTHER)]
    # What float32 kernel values may be off, weighed by the coefficients that multiply them.
    bound = np.finfo(np.float32).eps * np.abs(pipeline.named_steps["classifier"].dual_coef_).sum()
    assert bound < 1e-3
    np.testing.assert_allclose(compiled(pipeline).log_odds(OTHER), expected, atol=bound, rtol=0)


@pytest.mark.parametrize("feature", EXTRACTORS)
@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_compiled_and_plain_agree_over_the_tables(feature, classifier):
    n_components = 14 if feature != "ear" else 6
    pipeline = build_pipeline([feature], classifier, n_components=n_components).fit(EYES.images, EYES.labels)
    plain = margins(pipeline[:-1].transform(OTHER), pipeline[-1])
    if classifier not in ("svm", "mirror", "metric", "libsvm"):
        with pytest.raises(NotCompilableError, match="has no compiled form"):
            compiled(pipeline)
        np.testing.assert_array_equal(decide_as_fitted(pipeline)(OTHER), plain)
        return
    program = compiled(pipeline)
    # As above; how far sums in single precision are apart hangs on the processor and on the number of threads.
    bound = np.finfo(np.float32).eps * np.abs(pipeline.named_steps["classifier"].dual_coef_).sum()
    assert bound < 0.01
    np.testing.assert_allclose(program.log_odds(OTHER), plain, atol=bound, rtol=0)
    header, arrays = program.to_parts()
    again = Program.from_parts(json.loads(json.dumps(header)), arrays)
    np.testing.assert_array_equal(again.probability(OTHER), program.probability(OTHER))


@pytest.mark.parametrize("classifier", ["svm", "mirror", "metric"])
@pytest.mark.parametrize("flip_average", [True, False])
def test_views_and_views_are_averaged(classifier, flip_average):
    clf = EyeClassifier(
        (("hog", "lbp"), ("words",)), classifier, n_copies=1, n_components=20, flip_average=flip_average
    ).fit(EYES.images, EYES.labels)
    flips = [OTHER, OTHER[:, :, ::-1]] if flip_average else [OTHER]
    per_view = [decide_as_fitted(pipeline)(view) for view in flips for pipeline in clf.pipelines_.values()]
    slope, intercept = clf.calibration_
    expected = slope * np.mean(per_view, axis=0) + intercept
    # 150 eyes make coefficients in the hundreds, which multiply what float32 rounds, and the calibration does again.
    np.testing.assert_allclose(expit(clf.decision_function(OTHER)), expit(expected), atol=3e-4)
    np.testing.assert_allclose([clf.predict_one(image) for image in OTHER[:5]], expit(expected[:5]), atol=3e-4)


def test_an_svm_of_another_kind_is_not_compiled():
    class Contrary(SVC):
        def decision_function(self, X):
            return -super().decision_function(X)

    for classifier in (Contrary(), SVC(kernel="poly"), LinearSVC()):
        pipeline = build_pipeline(["profile"], classifier, n_components=5).fit(EYES.images, EYES.labels)
        with pytest.raises(NotCompilableError, match=type(classifier).__name__):
            compiled(pipeline)


def test_an_extractor_of_the_users_own_goes_through_scikit_learn():
    class MeanGrey(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return X.mean(axis=(1, 2))[:, None]

    clf = EyeClassifier((MeanGrey(), "profile"), n_copies=0).fit(EYES.images, EYES.labels)
    assert clf.program is None
    assert clf.not_compiled_ == "the extractor MeanGrey has no compiled form"
    assert clf.predict_one(OTHER[0]) == pytest.approx(clf.predict_proba(OTHER[:1])[0, 1], abs=1e-9)


def test_far_away_images_leave_a_finite_answer():
    pipeline = build_pipeline(["pixels"], n_components=None).fit(EYES.images, EYES.labels)
    odd = np.stack(
        [np.zeros((24, 24), np.uint8), np.full((24, 24), 255, np.uint8), np.indices((24, 24)).sum(0) % 2 * 255]
    )
    assert np.isfinite(compiled(pipeline).log_odds(odd.astype(np.uint8))).all()


def test_a_row_does_not_depend_on_its_batch():
    clf = EyeClassifier((("hog", "lbp"), "words"), "mirror", n_copies=0, n_components=20).fit(EYES.images, EYES.labels)
    whole = clf.program.probability(np.tile(OTHER, (5, 1, 1)))
    np.testing.assert_allclose(whole, np.tile([clf.program.probability(p[np.newaxis])[0] for p in OTHER], 5), atol=3e-4)


def test_stages_add_up_to_the_time_it_takes():
    program = compiled(build_pipeline(["hog"], n_components=10).fit(EYES.images, EYES.labels))
    stages = program.stages(OTHER)
    assert set(stages) == {"features", "decision"}
    assert all(seconds > 0 for seconds in stages.values())


def test_one_thread_holds_inside_and_gives_back_after():
    cv2.setNumThreads(2)
    with one_thread():
        assert cv2.getNumThreads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
    assert cv2.getNumThreads() == 2


@pytest.fixture
def folder(tmp_path):
    paths = []
    for number, image in enumerate(make_eyes(23, random_state=4).images):
        paths.append(str(tmp_path / f"{number:02}.png"))
        cv2.imwrite(paths[-1], image)
    return paths


def mean_grey(images):
    return images.mean(axis=(1, 2)) / 255


@pytest.mark.parametrize("n_jobs", [1, 2, 5, None])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_files_are_scored_in_order_whatever_the_jobs_and_chunks(folder, n_jobs, chunk):
    expected = [Scored(float(cv2.imread(path, 0).mean() / 255), None) for path in folder]
    assert list(score_files(folder, mean_grey, n_jobs=n_jobs, chunk=chunk)) == expected


def test_a_bad_file_is_an_error_in_its_place_and_no_other(folder, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("not an image")
    paths = [*folder[:3], str(bad), str(tmp_path / "gone.png"), *folder[3:6]]
    scored = list(score_files(paths, mean_grey, chunk=4))
    assert [answer.error is None for answer in scored] == [True] * 3 + [False] * 2 + [True] * 3
    assert scored[3].score is None
    assert [answer.score for answer in scored if answer.error is None] == [
        answer.score for answer in score_files(folder[:6], mean_grey)
    ]


def test_a_chunk_of_bad_files_only_asks_for_no_probability(tmp_path):
    def never(images):
        raise AssertionError("asked")

    scored = list(score_files([str(tmp_path / "a.png")] * 3, never))
    assert all(answer.error for answer in scored)


def sizes_asked(paths, n_jobs):
    asked = []

    def note(images):
        asked.append(len(images))
        return mean_grey(images)

    assert len(list(score_files(paths, note, n_jobs=n_jobs, chunk=8))) == len(paths)
    return asked


@pytest.mark.parametrize(
    ("n", "sizes"),
    [
        (0, []),
        (3, [2, 1]),
        (8, [2] * 4),
        (16, [4, 4, *[2] * 4]),
        (17, [8, 4, 2, 2, 1]),
        (36, [8, 8, 8, 4, *[2] * 4]),
    ],
)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_last_chunks_are_smaller_whatever_the_jobs(folder, n, sizes, n_jobs):
    assert sorted(sizes_asked((folder * 40)[:n], n_jobs)) == sorted(sizes)


@pytest.mark.parametrize("n", [9, 24, 37, 40])
def test_a_run_that_begins_at_a_whole_chunk_is_cut_as_one_from_the_beginning(folder, n):
    paths = (folder * 40)[:n]
    whole = sizes_asked(paths, 1)
    for start in range(0, n, 8):
        later = sizes_asked(paths[start:], 1)
        assert whole[len(whole) - len(later) :] == later


def test_chunks_are_read_as_they_are_needed(folder):
    """Memory does not grow with the number of files: little is read ahead of what is taken."""
    read = []
    lock = threading.Lock()

    def count(images):
        with lock:
            read.append(len(images))
        return mean_grey(images)

    answers = score_files(folder * 40, count, n_jobs=2, chunk=10)
    next(answers)
    ahead = sum(read)
    answers.close()
    assert ahead < len(folder) * 40 / 2


def test_jobs_below_one_are_refused():
    with pytest.raises(ParameterError, match="n_jobs is 0"):
        list(score_files([], mean_grey, n_jobs=0))


def test_a_product_over_all_columns_is_that_of_sums_and_differences():
    rng = np.random.default_rng(0)
    # Columns 1 and 4 change places, 0 and 3 too, 2 stays.
    pairs = np.array([[0, 1, 2], [3, 4, 2]], np.int32)
    rows = rng.normal(size=(7, 5)).astype(np.float32)
    narrow = rng.normal(size=(3, 6)).astype(np.float32)
    one, other = rows[:, pairs[0]], rows[:, pairs[1]]
    expected = np.hstack([(one + other) @ narrow[:, :3], (one - other) @ narrow[:, 3:]])
    np.testing.assert_allclose(Block("hog", {}, False, narrow, pairs).project(rows), expected, atol=1e-5)
    # Too many components for it: the other way.
    wide = np.hstack([np.tile(narrow[:, :3], 40), np.tile(narrow[:, 3:], 40)])
    wanted = np.hstack([np.tile(expected[:, :3], 40), np.tile(expected[:, 3:], 40)])
    np.testing.assert_allclose(Block("hog", {}, False, wide, pairs).project(rows), wanted, atol=1e-5)
    with pytest.raises(ValueError, match="leave columns out"):
        Block("hog", {}, False, narrow, np.array([[0, 1, 2], [3, 4, 1 << 30]], np.int32))
