"""
Views and the cascade
=====================

A *view* is a set of features with a classifier of its own. Several views are more accurate than one, and slower. A
cascade runs the later views only where the first is least certain.
"""

from time import perf_counter

import matplotlib.pyplot as plt

from classic_eyes import EyeClassifier
from classic_eyes.metrics import accuracy
from classic_eyes.synthetic import make_eyes

train = make_eyes(400, hard_share=0.5, random_state=0)
test = make_eyes(1000, hard_share=0.5, random_state=1)

# %%
# Train three models that differ only in their views. Each inner tuple is one view.

small = {
    "classifier": "svm",
    "n_copies": 0,
    "n_synthetic": 0,
    "n_components": 100,
    "size": 24,
    "align": None,
    "detect_non_eyes": False,
}
models = {
    "one view": EyeClassifier((("hog", "lbp"),), cascade=None, **small),
    "two views": EyeClassifier((("hog", "lbp"), ("words_tt", "profile")), cascade=None, **small),
    "two views, cascade of 20%": EyeClassifier((("hog", "lbp"), ("words_tt", "profile")), cascade=0.2, **small),
}
results = {}
for name, model in models.items():
    model.fit(train.images, train.labels)
    model.predict_proba(test.images[:100])
    start = perf_counter()
    probability = model.predict_proba(test.images)[:, 1]
    seconds = perf_counter() - start
    results[name] = accuracy(test.labels, probability), 1e6 * seconds / len(test.images)
    print(f"{name}: accuracy {results[name][0]:.3f}, {results[name][1]:.0f} microseconds an image")

# %%
# The cascade has most of the accuracy of both views, for little more time than the first one alone.

figure, axes = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True)
for axis, column, label in zip(axes, (0, 1), ("error", "microseconds an image"), strict=True):
    values = [1 - each[0] if column == 0 else each[1] for each in results.values()]
    bars = axis.barh(list(results), values, color=["#9db8c4", "#0b6480", "#3a8fa8"])
    axis.bar_label(bars, fmt="%.3f" if column == 0 else "%.0f", padding=3)
    axis.set_xlabel(label)
    axis.margins(x=0.15)
axes[0].invert_yaxis()
# sphinx_gallery_alt = "Bars: two views make fewer errors than one and take longer; the cascade lies close to the"
# sphinx_gallery_alt = "best of both."
plt.show()
