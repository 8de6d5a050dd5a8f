"""
Calibrated probabilities
========================

Of all images with a predicted probability of 0.8, about 80% should be open. A reliability curve shows whether they
are. Platt scaling corrects the probabilities.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes.calibration import fit_platt
from classic_eyes.features import Hog
from classic_eyes.metrics import calibration_error, reliability_curve
from classic_eyes.svm import LeastSquaresSvm
from classic_eyes.synthetic import make_eyes

# %%
# A weak classifier, so that the correction is visible: HOG and an SVM, trained on 300 hard synthetic eyes.

train, held_out, test = (make_eyes(n, hard_share=1.0, random_state=seed) for seed, n in enumerate((300, 400, 1000)))
hog = Hog().fit(train.images)
svm = LeastSquaresSvm(n_support=300).fit(hog.transform(train.images), train.labels)

# %%
# Its decision values are margins, not log odds. ``fit_platt`` turns them into log odds by a slope and an intercept,
# fitted to images that the SVM was not trained on. ``EyeClassifier`` does this in ``fit``, out of fold.

slope, intercept = fit_platt(svm.decision_function(hog.transform(held_out.images)), held_out.labels)
decision = svm.decision_function(hog.transform(test.images))
probabilities = {
    "margins as log odds": 1 / (1 + np.exp(-decision)),
    "after Platt scaling": 1 / (1 + np.exp(-(slope * decision + intercept))),
}
for name, probability in probabilities.items():
    print(f"{name}: calibration error {calibration_error(test.labels, probability):.3f}")

# %%
# Points on the diagonal are calibrated. Above it more eyes are open than predicted, below it fewer.

figure, axis = plt.subplots(figsize=(5.5, 4.5))
axis.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="calibrated")
for (name, probability), style in zip(probabilities.items(), ("s--", "o-"), strict=True):
    expected, observed, _ = reliability_curve(test.labels, probability, n_bins=10)
    axis.plot(expected, observed, style, color="#b35806" if style == "s--" else "#0b6480", label=name)
axis.set(xlabel="predicted probability of open", ylabel="share of open eyes", xlim=(0, 1), ylim=(0, 1))
axis.legend(frameon=False)
# sphinx_gallery_alt = "Two reliability curves: margins taken as log odds lie far from the diagonal,"
# sphinx_gallery_alt = "those after Platt scaling close to it."
plt.show()
