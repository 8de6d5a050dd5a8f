"""Order of asking, audit of labels, learning from few: in closed form, then on synthetic eyes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import measure_label_curve
from benchmarks.audit import contradicted_by_most, evaluate_audit
from benchmarks.few_labels import LEARNERS, gather_crowd, learn_from_few
from benchmarks.report.learning import _apart, render_learning
from classic_eyes import EyeClassifier, labeling
from classic_eyes.errors import ParameterError
from classic_eyes.labeling import ORDERS, Asking, Witness, arrange, audit_labels, second_witness
from classic_eyes.synthetic import make_eyes

# -- order --


def kinds(n_kinds: int, each: int) -> np.ndarray:
    """Return rows in clearly parted heaps, kind after kind."""
    noise = np.random.default_rng(0).normal(0, 0.01, (n_kinds * each, n_kinds))
    return (np.repeat(np.eye(n_kinds) * 10, each, axis=0) + noise).astype(np.float32)


def test_the_most_uncertain_come_first():
    scores = np.array([0.95, 0.52, 0.1, 0.4])
    asked = arrange(scores, np.zeros((4, 1), np.float32), "uncertain")
    assert asked.positions.tolist() == [1, 3, 2, 0]


def test_a_page_of_worth_is_not_full_of_one_kind():
    # The twenty frames of the first eye are the most uncertain of all.
    rows = kinds(10, 20)
    scores = np.concatenate([np.linspace(0.5, 0.51, 20), np.linspace(0.6, 0.99, 180)])
    plain = arrange(scores, rows, "uncertain", page_size=20)
    assert (plain.pages[0] < 20).all()
    spread = arrange(scores, rows, "worth", page_size=20)
    # The last takes what is left, which is the least uncertain.
    for page in spread.pages[:-1]:
        assert np.bincount(page // 20, minlength=10).max() <= 6
    # And within what is allowed, the uncertain are asked about first.
    first = [k for k in spread.pages[0] if k < 20]
    assert first == sorted(first)
    assert first[0] == 0


def test_a_page_of_a_cluster_is_one_cluster_the_surest_first():
    rows = kinds(3, 30)
    scores = np.concatenate([np.tile([0.4, 0.6], 15), np.full(30, 0.99), np.full(30, 0.3)])
    asked = arrange(scores, rows, "cluster", page_size=30)
    assert [set((page // 30).tolist()) for page in asked.pages] == [{1}, {2}, {0}]


def test_a_large_cluster_takes_several_pages():
    asked = arrange(np.full(100, 0.9), np.zeros((100, 2), np.float32), "cluster", page_size=20)
    assert [len(page) for page in asked.pages] == [40, 40, 20]


@given(
    n=st.integers(1, 60),
    order=st.sampled_from(tuple(ORDERS)),
    page_size=st.integers(1, 25),
    limit=st.none() | st.integers(1, 70),
    seed=st.integers(0, 99),
)
def test_everybody_is_asked_about_once(n, order, page_size, limit, seed):
    rng = np.random.default_rng(seed)
    scores, rows = rng.random(n), rng.normal(size=(n, 3)).astype(np.float32)
    asked = arrange(scores, rows, order, page_size=page_size, limit=limit, random_state=seed)
    assert len(set(asked.positions.tolist())) == len(asked.positions) == min(n, limit or n)
    assert asked.positions.min() >= 0
    assert asked.positions.max() < n
    assert all(len(page) for page in asked.pages)
    again = arrange(scores, rows, order, page_size=page_size, limit=limit, random_state=seed)
    assert again.positions.tobytes() == asked.positions.tobytes()


def test_another_order_is_refused():
    with pytest.raises(ParameterError, match="order is 'best'; allowed are worth, uncertain, cluster, random"):
        arrange(np.ones(1), np.ones((1, 1), np.float32), "best")


def test_nobody_to_ask_about():
    assert Asking((), np.empty(0, np.intp)).positions.tolist() == []


# -- audit --


def noise_images(n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, 24, 24), dtype=np.uint8)


def audited(images, labels, groups, *scores):
    names = tuple(f"{k}.png" for k in range(len(labels)))
    witnesses = tuple(Witness(f"by {k}", np.array(each)) for k, each in enumerate(scores))
    return audit_labels(images, np.array(labels, np.int8), np.array(groups), names, witnesses)


def test_doubt_is_the_mean_of_what_the_witnesses_say_against_the_label():
    audit = audited(noise_images(3), [1, 0, -1], ["a", "b", "c"], [0.9, 0.9, 0.5], [0.7, 0.4, 0.5])
    assert audit.doubts[:2].tolist() == pytest.approx([0.2, 0.65])
    assert np.isnan(audit.doubts[2])
    assert audit.ranked().tolist() == [1, 0]
    assert audit.ranked(1).tolist() == [1]
    assert audit.reasons == (
        "labelled open, but closed with .10 by 0, .30 by 1",
        "labelled closed, but open with .90 by 0, .40 by 1",
        "",
    )


def test_of_two_shots_of_the_same_one_is_wrong():
    images = noise_images(4)
    images[1] = np.clip(images[0].astype(int) + 3, 0, 255)
    audit = audited(images, [1, 0, 1, 0], list("abcd"), [0.8, 0.8, 0.99, 0.01])
    # Alone they would have .2 and .8.
    assert audit.doubts[:2].tolist() == pytest.approx([0.2 * 0.2 / (0.2 * 0.2 + 0.8 * 0.8), 0.64 / 0.68])
    assert audit.partners.tolist() == [1, 0, -1, -1]
    assert audit.same.tolist() == [True, True, False, False]
    assert "nearly the same image as 0.png, labelled open" in audit.reasons[1]


def test_two_eyes_of_one_face_mostly_go_together():
    audit = audited(noise_images(4), [1, 0, 1, 1], ["a", "a", "b", "b"], [0.9, 0.5, 0.9, 0.9])
    wrong = 0.5 * 0.9 / (0.5 * 0.9 + 0.1 * 0.5)
    assert audit.doubts.tolist() == pytest.approx(
        [0.95 * (1 - wrong) + 0.05 * 0.1, 0.95 * wrong + 0.05 * 0.5, 0.1, 0.1]
    )
    assert "the other eye of this face is 0.png, labelled open" in audit.reasons[1]


def test_many_images_of_one_person_are_no_face():
    audit = audited(noise_images(3), [1, 0, 1], ["a", "a", "a"], [0.9, 0.1, 0.9])
    assert audit.partners.tolist() == [-1, -1, -1]


def test_wrong_labels_of_synthetic_eyes_are_named_first():
    eyes = make_eyes(400, random_state=3)
    wrong = np.random.default_rng(0).choice(400, 20, replace=False)
    labels = eyes.labels.copy()
    labels[wrong] = 1 - labels[wrong]
    second, told = second_witness(eyes.images, np.arange(400).astype(str))
    assert told.startswith("second witness: the images without labels (trust ")
    audit = audit_labels(eyes.images, labels, np.arange(400).astype(str), tuple(map(str, range(400))), (second,))
    assert len(set(audit.ranked(25).tolist()) & set(wrong.tolist())) >= 18


def test_the_second_witness_is_not_heard_where_it_knows_nothing():
    witness, told = second_witness(make_eyes(20).images, np.arange(20).astype(str))
    assert witness is None
    assert told.startswith("no second witness: 20 images are too few")


def test_the_judges_are_counted_and_never_learnt_from():
    votes = [[1, 1, 0], [0, 0], [], [0, 1]]
    assert contradicted_by_most(np.array([0, 1, 1, 1], np.int8), votes).tolist() == [True, True, False, False]
    assert contradicted_by_most(np.array([-1], np.int8), [[1, 1]]).tolist() == [False]
    labels = np.array([1, 0, 1, 0], np.int8)
    witnesses = (Witness("first", np.array([0.9, 0.8, 0.2, 0.1])), Witness("second", np.array([0.1, 0.1, 0.1, 0.1])))
    audit = audit_labels(noise_images(4), labels, np.array(list("abcd")), tuple("abcd"), witnesses)
    judged = {each.rule: each.found for each in evaluate_audit(audit, witnesses, labels, np.array([1, 1, 0, 0], bool))}
    assert list(judged)[:3] == ["this audit", "left out of the training alone", "the images without labels alone"]
    assert judged["this audit"] == (2, 2, 2)


# -- learning from few --


@pytest.fixture(scope="module")
def crowd():
    eyes = make_eyes(240, random_state=6)
    return eyes, gather_crowd(eyes.images, np.arange(240).astype(str))


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_learns_from_few(crowd, name):
    eyes, known = crowd
    given = np.full(240, -1, dtype=np.int8)
    given[:40] = eyes.labels[:40]
    other = make_eyes(200, random_state=8)
    clf = learn_from_few(name, EyeClassifier(("hog",), n_components=40, n_copies=0), known, given)
    assert clf.score(other.images, other.labels) > 0.8
    assert given[40:].max() == -1, "what was given is left alone"


def test_the_unlabelled_rest_helps(crowd):
    eyes, known = crowd
    given = np.full(240, -1, dtype=np.int8)
    given[:30] = eyes.labels[:30]
    other = make_eyes(300, random_state=9)
    plain = EyeClassifier(("hog",), n_components=40, n_copies=0)
    scores = {
        name: learn_from_few(name, plain, known, given).score(other.images, other.labels)
        for name in ("svm", "self-training")
    }
    assert scores["self-training"] > scores["svm"]


def test_an_unknown_learner_is_refused(crowd):
    with pytest.raises(ParameterError, match="learner 'oracle' is not known; known are knn, label spreading, svm"):
        learn_from_few("oracle", EyeClassifier(), crowd[1], np.zeros(240, np.int8))


def test_the_curve_is_the_same_for_any_number_of_jobs():
    eyes = make_eyes(100, random_state=2)
    groups = np.arange(100).astype(str)
    settings = {"sizes": (20, 40), "learners": ("knn",), "n_seeds": 2}
    one, two = (measure_label_curve(eyes.images, eyes.labels, groups, n_jobs=jobs, **settings) for jobs in (1, 2))
    assert one == two
    assert [(curve.learner, curve.order) for curve in one] == [("knn", "random"), ("knn", "worth")]
    assert all(0.5 < value <= 1 for curve in one for value in curve.mean)
    assert all(least <= mean for curve in one for least, mean in zip(curve.least, curve.mean, strict=True))
    # Both begin with the same draw.
    assert [seed[0] for seed in one[0].accuracy] == [seed[0] for seed in one[1].accuracy]


def test_a_curve_asks_for_no_more_than_there_is():
    eyes = make_eyes(50)
    for sizes, said in (((20, 60), "60 labels, and four fifths of the groups hold 40"), ((40, 20), "must grow")):
        with pytest.raises(ParameterError, match=said):
            measure_label_curve(eyes.images, eyes.labels, np.arange(50), sizes=sizes, learners=("knn",), n_jobs=1)


def test_the_figure_says_what_it_shows():
    drawn = render_learning(
        [{"name": f"learner {k}", "sizes": (25, 50), "mean": (0.8 + k / 100, 0.9 + k / 100)} for k in range(7)],
        "<eyes>",
    )
    assert "&lt;eyes&gt;" in drawn
    assert "<eyes>" not in drawn
    # The five best.
    assert "learner 2" in drawn
    assert "learner 1" not in drawn
    assert ".96 with 50" in drawn or ".960 with 50" in drawn


def test_the_room_tells_what_it_has():
    assert sorted(labeling.__all__) == sorted(set(labeling.__all__))
    assert all(hasattr(labeling, name) for name in labeling.__all__)


def test_numbers_at_the_ends_of_curves_do_not_lie_upon_one_another():
    assert _apart([38.1, 37.0, 90.0, 30.0]) == pytest.approx([60.0, 45.0, 90.0, 30.0])
    assert _apart([]) == []
