"""Labels without a labeller: what each part promises, on images whose opening is known because they were synthetic."""

from __future__ import annotations

import ast
import inspect
import json
import pickle
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from classic_eyes.conftest import shared

from benchmarks.clustering.evaluation import evaluate_consensus, evaluate_criteria, evaluate_history, evaluate_measured
from benchmarks.clustering.settings import SETTINGS, Setting, measure
from benchmarks.clustering.tuning import tune
from classic_eyes import EyeClassifier, metrics
from classic_eyes import semisupervised as pseudolabel
from classic_eyes.datasets import UNLABELLED, read_eyes
from classic_eyes.errors import ClassicEyesError, DataError, MissingDependencyError, ParameterError
from classic_eyes.images import read_images
from classic_eyes.preprocessing.augmentation import flip
from classic_eyes.semisupervised import (
    CLUSTERERS,
    KNOWLEDGE,
    REASONS,
    VIEW_FEATURES,
    Consensus,
    Knowledge,
    Start,
    cluster_rows,
    find_consensus,
    gather_knowledge,
    informed_mixture,
    learn_labels,
    make_view,
    orient,
    self_train,
)
from classic_eyes.synthetic import make_eyes

# One process makes what all of these share.
pytestmark = pytest.mark.xdist_group("pseudolabel")

ROOM = Path(pseudolabel.__file__).parent


@pytest.fixture(scope="module")
def eyes():
    return make_eyes(300, random_state=7)


@pytest.fixture(scope="module")
def knowledge(eyes):
    return gather_knowledge(eyes.images)


@pytest.fixture(scope="module")
def views(eyes):
    return {features: make_view(eyes.images, features) for features in {*VIEW_FEATURES, ("hog",)}}


@pytest.fixture(scope="module")
def consensus(views, knowledge):
    return find_consensus([views[features] for features in VIEW_FEATURES], knowledge)


@pytest.fixture(scope="module")
def history(eyes, views, knowledge):
    return learn_labels(eyes.images, views=[views[features] for features in VIEW_FEATURES], knowledge=knowledge)


def known(n: int, scores: np.ndarray) -> Knowledge:
    """Knowledge of which every kind says the same."""
    assert len(scores) == n
    return Knowledge(dict.fromkeys(KNOWLEDGE, scores.astype(float)))


def blobs(n: int = 120, *, apart: float = 12.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    return rng.normal(size=(n, 3)) + apart * truth[:, np.newaxis], truth


# -- clusterers --


@pytest.mark.parametrize("name", CLUSTERERS)
def test_every_clusterer_parts_what_lies_far_apart(name):
    rows, truth = blobs()
    found = cluster_rows(rows, name, truth)
    kept = found >= 0
    assert kept.mean() > 0.4
    assert metrics.adjusted_rand(found[kept], truth[kept]) == 1


@pytest.mark.parametrize("name", CLUSTERERS)
def test_the_same_seed_gives_the_same_clusters(name):
    rows, truth = blobs(apart=2.0)
    assert np.array_equal(*(cluster_rows(rows, name, truth, random_state=3) for _ in range(2)))


def test_an_unknown_clusterer_is_refused_with_those_known():
    with pytest.raises(ParameterError, match=r"'kmean' is not known; known are kmeans.*did you mean 'kmeans'"):
        cluster_rows(np.zeros((4, 2)), "kmean", np.zeros(4))


@pytest.mark.parametrize("meant", [0, 1])
def test_an_informed_mixture_finds_the_parting_that_is_meant(meant):
    """Two independent partings, both plain: the guess, a third of it wrong, decides which of them is found."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, (600, 2))
    rows = rng.normal(size=(600, 2)) + 5 * truth
    wrong = rng.random(600) < 0.33
    found = informed_mixture(rows, np.where(wrong, 1 - truth[:, meant], truth[:, meant])) >= 0.5
    assert (found == truth[:, meant]).mean() > 0.97


def test_an_informed_mixture_needs_two_of_each():
    with pytest.raises(ParameterError, match="1 of 5 in the second set"):
        informed_mixture(np.zeros((5, 2)), np.arange(5) == 0)


# -- views --


def test_a_view_has_the_images_and_then_their_mirror_images(eyes):
    view, turned = (make_view(images, ("hog",), n_components=8) for images in (eyes.images, flip(eyes.images)))
    n = len(eyes.images)
    assert view.rows.shape == (2 * n, 8)
    assert view.rows.dtype == np.float32
    assert view.mirrored
    # The same images in the other order: the same components, but for the sign of each.
    assert np.allclose(np.abs(view.rows[:n]), np.abs(turned.rows[n:]), atol=1e-3)


def test_leading_components_are_those_of_a_narrower_view(views):
    view = views[("hog",)]
    narrow = view.leading(5, mirrored=False)
    assert np.array_equal(narrow.rows, view.rows[: view.n, :5])
    assert not narrow.mirrored
    values = np.arange(view.n)
    assert np.array_equal(view.averaged(view.repeated(values).astype(float)), values)
    assert np.array_equal(narrow.repeated(values), values)


def test_a_view_refuses_what_it_cannot_have(eyes):
    with pytest.raises(ParameterError, match="n_components is 0"):
        make_view(eyes.images, ("hog",), n_components=0)
    with pytest.raises(ParameterError, match="hgo"):
        make_view(eyes.images, ("hgo",))


# -- knowledge --


@pytest.mark.parametrize(("name", "least"), [("synthetic eyes", 0.98), ("eye cascade", 0.8), ("dark centre", 0.65)])
def test_each_kind_of_knowledge_knows_open_eyes(eyes, knowledge, name, least):
    """On synthetic eyes of another seed than those learnt from."""
    assert knowledge.areas(eyes.labels)[name] > least


def test_knowledge_of_a_image_does_not_depend_on_the_others(eyes, knowledge):
    alone = gather_knowledge(eyes.images[5:8])
    for name, scores in knowledge.scores.items():
        assert np.allclose(alone.scores[name], scores[5:8], atol=1e-9)


def test_which_cluster_is_open_follows_the_clusters_when_they_swap(eyes, knowledge):
    one, other = (orient(clusters, knowledge) for clusters in (eyes.labels, 1 - eyes.labels))
    assert (one.open_cluster, other.open_cluster) == (1, 0)
    assert one.confidence == pytest.approx(other.confidence)
    assert one.evidence == pytest.approx(other.evidence)
    assert 0.5 < one.confidence <= 1


def test_which_cluster_is_open_is_refused_where_nothing_tells(eyes, knowledge):
    with pytest.raises(DataError, match=r"cannot be told: confidence 0\.\d\d, 0\.3 is needed.*label some"):
        orient(np.random.default_rng(0).integers(0, 2, 300), knowledge)
    with pytest.raises(DataError, match="one cluster only"):
        orient(np.zeros(300, dtype=int), knowledge)


def test_noise_has_no_say_in_which_cluster_is_open(eyes, knowledge):
    clusters = np.where(np.arange(300) % 3 == 0, -1, eyes.labels)
    kept = clusters >= 0
    assert orient(clusters, knowledge) == orient(clusters[kept], knowledge.take(kept))


# -- consensus --


def test_unanimous_and_majority_by_hand():
    start = Start(0.5, (0.5,), 1.0, 1.0, 1.0)
    votes = np.array([[0.9, 0.9, 0.1, 0.1], [0.8, 0.2, 0.6, 0.0], [0.5, 0.7, 0.4, 0.3]])
    found = Consensus(("a", "b", "c"), votes, start, (start,))
    assert found.unanimous.tolist() == [1, -1, -1, 0]
    assert found.majority.tolist() == [1, 1, 0, 0]


def test_views_agree_on_synthetic_eyes(eyes, consensus):
    assert consensus.start.trust > 0.8
    assert consensus.start in consensus.tried
    assert consensus.start.trust == max(each.trust for each in consensus.tried)
    kept = consensus.unanimous >= 0
    assert kept.mean() > 0.85
    assert (consensus.unanimous == eyes.labels)[kept].mean() > 0.98
    assert (consensus.majority == eyes.labels).mean() > 0.95


def test_a_folder_need_not_be_half_open(eyes, knowledge):
    """One open eye to nine closed ones: the guess of a half is not the one that is kept."""
    open_ = np.flatnonzero(eyes.labels == 1)[:17]
    part = np.sort(np.concatenate([open_, np.flatnonzero(eyes.labels == 0)]))
    some = [make_view(eyes.images[part], features) for features in VIEW_FEATURES]
    found = find_consensus(some, knowledge.take(part))
    assert found.start.guessed < 0.3
    assert (found.majority == eyes.labels[part]).mean() > 0.95


def test_given_labels_weigh_on_the_choice_of_the_guess(views, knowledge, consensus, eyes):
    some = [views[features] for features in VIEW_FEATURES]
    right = find_consensus(some, knowledge, given=eyes.labels)
    wrong = find_consensus(some, knowledge, given=1 - eyes.labels)
    assert right.start.trust > 0.9 * consensus.start.trust
    assert wrong.start.trust < 0.3


# -- settings and the choice among them --


def test_the_table_has_every_clusterer_over_every_set_of_features():
    assert len(SETTINGS) >= 40
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert {setting.clusterer for setting in SETTINGS} == set(CLUSTERERS)


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_what_is_measured_needs_no_label_and_keeps_its_ranges(views, knowledge, consensus, clusterer):
    setting = Setting(("hog",), clusterer, 8)
    found = measure(setting, views[("hog",)], consensus, knowledge)
    assert set(np.unique(found.answers)) <= {-1, 0, 1}
    assert sum(found.sizes) + found.noise == 300
    assert found.seeds <= 1
    assert 0 <= found.mirror <= 1
    assert -1 <= found.agreement <= 1
    assert np.isnan(found.silhouette) or -1 <= found.silhouette <= 1
    again = measure(setting, views[("hog",)], consensus, knowledge)
    assert np.array_equal(found.answers, again.answers)
    assert (found.seeds, found.resamples) == (again.seeds, again.resamples)


def test_features_of_every_view_are_held_against_all(eyes, knowledge, consensus):
    features = ("hog", "words", "words_tt")
    view = make_view(eyes.images, features, n_components=16)
    found = measure(Setting(features, "informed", 16), view, consensus, knowledge, repeats=False)
    assert found.agreement == pytest.approx(metrics.cohen_kappa(found.answers, consensus.votes.mean(axis=0) >= 0.5))


def test_without_mirror_images_there_is_nothing_to_say_of_them(views, knowledge, consensus):
    found = measure(Setting(("hog",), "kmeans", 8, mirrored=False), views[("hog",)], consensus, knowledge)
    assert np.isnan(found.mirror)


def test_agreement_chooses_well_and_its_worth_is_computed_by_hand(eyes, views, knowledge, consensus):
    many = [
        measure(Setting(("hog",), clusterer, 16), views[("hog",)], consensus, knowledge, repeats=False)
        for clusterer in ("kmeans", "gmm", "dbscan", "hdbscan", "informed")
    ]
    told = evaluate_criteria(many, eyes.labels)["agreement"]
    accuracies = [(each.answers == eyes.labels).mean() for each in many]
    best = int(np.argmax([each.agreement for each in many]))
    assert told["chosen"] == many[best].setting.name
    assert told["accuracy"] == pytest.approx(accuracies[best])
    assert told["short"] == pytest.approx(max(accuracies) - accuracies[best])
    assert told["short"] < 0.03
    assert told["rank correlation"] > 0.6
    assert evaluate_measured(many[best], eyes.labels) == pytest.approx(accuracies[best])


def test_tuning_is_seeded_and_finds_the_greatest_value(views, knowledge, consensus, eyes):
    pytest.importorskip("optuna")
    every = {features: views.get(features) or make_view(eyes.images, features) for features in pseudolabel.FEATURE_SETS}
    one, other = (tune(every, consensus, knowledge, n_trials=6, random_state=2) for _ in range(2))
    assert [each.setting for each in one] == [each.setting for each in other]
    assert one[0].agreement == max(each.agreement for each in one)
    with pytest.raises(ParameterError, match="by is 'accuracy'; it must be one of agreement, silhouette"):
        tune(every, consensus, knowledge, by="accuracy")


def test_without_optuna_the_message_names_the_remedy(monkeypatch, views, knowledge, consensus):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'classic-eyes\[tune\]'"):
        tune(views, consensus, knowledge, n_trials=1)


# -- self-training --


def folds_of(n: int) -> np.ndarray:
    return np.arange(n) % 5


def test_given_labels_are_never_overruled(eyes, views, knowledge, consensus):
    """Even where they are wrong: who labels has the last word."""
    given = np.full(300, UNLABELLED, dtype=np.int8)
    given[:10] = 1 - eyes.labels[:10]
    some = [views[features] for features in VIEW_FEATURES]
    found = self_train(some, consensus.unanimous, knowledge, folds_of(300), given=given)
    assert np.array_equal(found.labels[:10], given[:10])
    for done in found.rounds:
        assert np.array_equal(done.learnt[:10], given[:10])
        assert {REASONS[reason] for reason in done.reasons[:10]} == {"given"}


def test_self_training_from_a_good_start_helps_or_does_no_harm(eyes, views, knowledge, consensus):
    start = np.where(np.arange(300) < 150, consensus.unanimous, UNLABELLED).astype(np.int8)
    found = self_train([views[features] for features in VIEW_FEATURES], start, knowledge, folds_of(300))
    learnt = found.labels >= 0
    assert learnt.sum() > 1.3 * (start >= 0).sum()
    assert (found.labels == eyes.labels)[learnt].mean() > 0.97
    assert found.ended in ("settled", "all 4 rounds done")


def bad_starts(eyes, view) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    # A parting that can be learnt from the features, and is not the one between open and closed.
    component = int(
        np.argmin([abs(metrics.roc_auc(eyes.labels, _ranks(column)) - 0.5) for column in view.rows[:300].T])
    )
    side = view.rows[:300, component] > np.median(view.rows[:300, component])
    return {"another parting": side.astype(np.int8), "chance": rng.integers(0, 2, 300).astype(np.int8)}


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values)) / len(values)


@pytest.mark.parametrize("name", ["another parting", "chance"])
def test_a_bad_start_is_reported_and_not_confirmed(eyes, views, knowledge, name):
    start = bad_starts(eyes, views[("hog", "lbp")].leading(20))[name]
    found = self_train([views[features] for features in VIEW_FEATURES], start, knowledge, folds_of(300))
    assert found.ended.startswith(("bad start", "not learnable"))
    assert np.array_equal(found.labels, start)
    assert len(found.rounds) == 1


def test_a_class_that_melts_away_is_drift(eyes, views, knowledge, consensus):
    """Four closed eyes of five start as open: in the next rounds one class eats the other, or it stops."""
    some = [views[features] for features in VIEW_FEATURES]
    start = consensus.unanimous.copy()
    closed = np.flatnonzero(start == 0)
    start[closed[: 4 * len(closed) // 5]] = 1
    found = self_train(some, start, knowledge, folds_of(300), confident=(0.3, 0.7), max_rounds=6)
    assert found.ended not in ("settled", "all 6 rounds done")


def test_no_rounds_leave_the_start_as_it_is(views, knowledge, consensus):
    found = self_train([views[("hog",)]], consensus.unanimous, knowledge, folds_of(300), max_rounds=0)
    assert np.array_equal(found.labels, consensus.unanimous)
    assert found.rounds == ()


def test_too_few_confident_images_end_it(views, knowledge):
    start = np.full(300, UNLABELLED, dtype=np.int8)
    start[:12] = [0, 1] * 6
    found = self_train([views[("hog",)]], start, knowledge, folds_of(300))
    assert found.ended == "fewer than 10 confident images of a class"


@pytest.mark.parametrize(
    "confident", [(0.5, 0.95), (0.05, 0.5), (0.0, 0.9), (0.1, 1.0), (0.1,), "ab", None, (0.9, 0.1)]
)
def test_thresholds_that_are_refused(confident):
    with pytest.raises(ParameterError, match=r"confident is .*two numbers, 0 < low < 0\.5 < high < 1"):
        learn_labels(np.zeros((100, 24, 24), np.uint8), confident=confident)


# -- the whole path --


def test_the_history_keeps_votes_score_and_reason_of_every_round_and_image(history, eyes):
    n = len(eyes.images)
    assert history.consensus.votes.shape == (3, n)
    assert history.rounds
    for done in history.rounds:
        assert done.learnt.shape == done.scores.shape == done.labels.shape == done.reasons.shape == (n,)
        assert ((done.scores >= 0) & (done.scores <= 1)).all()
        said = np.where(done.scores > 0.95, 1, np.where(done.scores < 0.05, 0, -1))
        assert np.array_equal(done.labels, said)
        waits, joins = (done.reasons == REASONS.index(text) for text in ("waits: not confident", "joins: confident"))
        assert np.array_equal(waits, (said < 0) & (done.learnt < 0))
        assert np.array_equal(joins, (said >= 0) & (done.learnt < 0))
    assert history.ended
    assert np.array_equal(history.labels, history.rounds[-1].labels)
    told = evaluate_history(history, eyes.labels)
    assert told["final"] > 0.96
    assert told["purity"] > 0.98
    assert len(told["rounds"]) == len(history.rounds)


def test_the_images_worth_asking_are_the_uncertain_ones(history):
    order = history.worth_asking()
    assert sorted(order) == list(range(300))
    doubt = np.abs(history.scores - 0.5)
    assert (np.diff(doubt[order]) >= 0).all()
    assert np.array_equal(history.worth_asking(7), order[:7])


def test_the_summary_and_the_plain_data_say_the_same(history):
    told = history.described([f"{k}.png" for k in range(300)])
    assert told["ended"] in history.summary()
    assert f"trust {told['trust']:.2f}" in history.summary()
    assert [start["kept"] for start in told["starts"]].count(True) == 1
    assert json.loads(json.dumps(told)) == told


def test_the_same_seed_gives_the_same_bytes(eyes, history):
    again = learn_labels(eyes.images)
    assert again.labels.tobytes() == history.labels.tobytes()
    assert again.scores.tobytes() == history.scores.tobytes()
    assert again.consensus.votes.tobytes() == history.consensus.votes.tobytes()


def test_given_labels_that_all_views_contradict_are_named(eyes, views, knowledge):
    given = np.full(300, UNLABELLED, dtype=np.int8)
    given[:20] = eyes.labels[:20]
    given[[3, 8]] = 1 - eyes.labels[[3, 8]]
    some = [views[features] for features in VIEW_FEATURES]
    found = learn_labels(eyes.images, given, views=some, knowledge=knowledge)
    said = found.consensus.unanimous[:20]
    wrong = np.flatnonzero((said >= 0) & (said != given[:20])).tolist()
    assert {3, 8} <= set(wrong)
    assert found.contradicted().tolist() == wrong
    assert found.described([""] * 300)["contradicted"] == wrong
    assert f"given labels: 20, of which all views contradict {len(wrong)}" in found.summary()
    assert any(f"contradict {len(wrong)} of 20 given labels" in warned for warned in found.warnings)


def test_every_image_has_one_reason_and_the_counts_add_up(history):
    for done in history.rounds:
        assert sum(done.count(reason) for reason in range(len(REASONS))) == 300
        leave = REASONS.index("leaves: no longer confident")
        joins = REASONS.index("joins: confident")
        assert (done.labels >= 0).sum() == (done.learnt >= 0).sum() + done.count(joins) - done.count(leave)


def test_consensus_is_evaluated_by_hand(consensus, views, eyes):
    told = evaluate_consensus(consensus, views[("hog",)], eyes.labels)
    kept = consensus.unanimous >= 0
    assert told["unanimous"]["kept"] == kept.mean()
    assert told["unanimous"]["purity"] == pytest.approx((consensus.unanimous == eyes.labels)[kept].mean())
    assert told["majority"]["purity"] == pytest.approx((consensus.majority == eyes.labels).mean())


def _one_class(label: int) -> np.ndarray:
    eyes = make_eyes(400, random_state=3)
    return eyes.images[eyes.labels == label]


def _noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 24, 24), dtype=np.uint8)


def _textures() -> np.ndarray:
    from skimage import data

    rng = np.random.default_rng(0)
    images = [data.brick(), data.grass(), data.gravel()]
    places = rng.integers(0, 480, (200, 2))
    return np.stack([images[k % 3][y : y + 24, x : x + 24] for k, (y, x) in enumerate(places)])


def _faces() -> np.ndarray:
    from skimage import data

    faces = data.lfw_subset()[:100, :24, :24]
    return np.round(255 * faces).astype(np.uint8)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _one_class(1), "perhaps there is one class only"),
        (lambda: _one_class(0), "perhaps there is one class only"),
        (_noise, "agree too little"),
        (_textures, "agree too little|cannot be told"),
        (_faces, "agree too little|cannot be told"),
        (lambda: make_eyes(20, random_state=1).images, "20 images are too few"),
        (
            lambda: np.repeat(make_eyes(10, random_state=1).images, 10, axis=0),
            "only 10 of 100 images are different",
        ),
        (lambda: np.zeros((100, 24, 24), np.uint8), "only 1 of 100 images are different"),
    ],
    ids=["open only", "closed only", "noise", "textures", "faces", "few", "repeated", "black"],
)
def test_what_it_cannot_know_it_says(make, said):
    """Never a confident wrong model: an error with the reason and the remedy."""
    with pytest.raises(DataError, match=said) as caught:
        learn_labels(make())
    assert "label" in str(caught.value) or "different" in str(caught.value)


# -- through EyeClassifier --

QUICK = {"features": ("hog",), "n_copies": 0, "n_components": 60}


def test_fit_without_labels_is_judged_on_other_eyes(eyes):
    start = time.perf_counter()
    clf = EyeClassifier(**QUICK).fit(eyes.images)
    assert time.perf_counter() - start < 60
    other = make_eyes(300, random_state=70)
    assert clf.score(other.images, other.labels) > 0.93
    assert clf.history_.trust > 0.8
    kept = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(kept.history_.labels, clf.history_.labels)
    assert np.array_equal(kept.predict_proba(other.images), clf.predict_proba(other.images))


def test_fit_learns_from_exactly_what_the_history_has_labelled(eyes, history):
    learnt = history.labels >= 0
    one = EyeClassifier(**QUICK).fit(eyes.images)
    same = EyeClassifier(**QUICK).fit(
        eyes.images[learnt], history.labels[learnt], groups=np.arange(len(learnt))[learnt]
    )
    assert same.history_ is None
    assert np.array_equal(one.predict_proba(eyes.images), same.predict_proba(eyes.images))


@pytest.mark.filterwarnings("ignore:all views contradict")
def test_some_labels_beat_the_same_labels_alone(eyes):
    labels = np.full(300, UNLABELLED)
    labels[:24] = eyes.labels[:24]
    other = make_eyes(400, random_state=71)
    both = EyeClassifier(**QUICK).fit(eyes.images, labels)
    alone = EyeClassifier(**QUICK).fit(eyes.images[:24], labels[:24])
    assert both.score(other.images, other.labels) > alone.score(other.images, other.labels) + 0.02
    assert np.array_equal(both.history_.labels[:24], labels[:24])


def test_labels_of_the_hardest_images_do_not_overthrow_the_clusters():
    # Where the most uncertain are asked about, the views are wrong about as many as they are right about.
    read = read_eyes(shared("eyes24"))
    some = read.take(np.arange(0, len(read), 4))
    images, labels = read_images(some.paths)[0], some.labels
    seen = [make_view(images, features) for features in VIEW_FEATURES]
    knowledge = gather_knowledge(images)
    before = learn_labels(images, views=seen, knowledge=knowledge)
    hardest = before.worth_asking(50)
    given = np.full(len(labels), UNLABELLED, dtype=np.int8)
    given[hardest] = labels[hardest]
    after = learn_labels(images, given, views=seen, knowledge=knowledge)
    assert (before.consensus.majority == given)[hardest].mean() < 0.7
    assert after.trust > 0.8 * before.trust
    assert not any("share only" in warned for warned in after.warnings)
    right = [((history.scores >= 0.5) == labels)[given < 0].mean() for history in (before, after)]
    assert right[1] >= right[0]


def test_labels_that_contradict_the_clusters_win_and_it_is_said(eyes):
    labels = np.full(300, UNLABELLED)
    labels[:60] = 1 - eyes.labels[:60]
    with pytest.warns(UserWarning, match="share only .* of the given labels"):
        clf = EyeClassifier(**QUICK).fit(eyes.images, labels)
    assert clf.score(eyes.images[60:], 1 - eyes.labels[60:]) > 0.8


def test_weights_go_with_their_images(eyes, history):
    weight = np.linspace(0.5, 1.5, 300)
    learnt = history.labels >= 0
    one = EyeClassifier(**QUICK).fit(eyes.images, sample_weight=weight)
    same = EyeClassifier(**QUICK).fit(
        eyes.images[learnt], history.labels[learnt], groups=np.arange(300)[learnt], sample_weight=weight[learnt]
    )
    assert np.array_equal(one.decision_function(eyes.images), same.decision_function(eyes.images))


def test_what_is_refused_leaves_nothing_fitted(eyes):
    clf = EyeClassifier(**QUICK)
    with pytest.raises(ClassicEyesError):
        clf.fit(eyes.images[:20])
    assert not hasattr(clf, "pipelines_")


# -- who may see true labels --


def _functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def test_only_functions_named_evaluate_take_true_labels():
    """Elsewhere labels are ``given`` by the user, or come out of this room; nobody imports the room's evaluation."""
    public = {name: getattr(pseudolabel, name) for name in pseudolabel.__all__}
    for name, thing in public.items():
        if inspect.isfunction(thing) and not name.startswith("evaluate_"):
            assert not {"labels", "truth", "y", "y_true"} & set(inspect.signature(thing).parameters), name
    for path in sorted(ROOM.glob("*.py")):
        if path.stem == "evaluation":
            public_names = [node.name for node in _functions(path) if not node.name.startswith("_")]
            assert all(name.startswith("evaluate_") for name in public_names)
        elif path.stem != "__init__":
            assert "evaluat" not in path.read_text(), path


def test_true_labels_change_nothing_but_what_is_evaluated(eyes, views, knowledge, consensus):
    """Settings measured before and after somebody evaluates them are the same, and no history depends on truth."""
    setting = Setting(("hog",), "kmeans", 8)
    before = measure(setting, views[("hog",)], consensus, knowledge)
    evaluate_measured(before, eyes.labels)
    evaluate_consensus(consensus, views[("hog",)], 1 - eyes.labels)
    after = measure(setting, views[("hog",)], consensus, knowledge)
    assert np.array_equal(before.answers, after.answers)
    assert before.agreement == after.agreement
