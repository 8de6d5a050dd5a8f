"""
A few labels of your own
========================

Your camera differs from those of the training data. ``start_from`` adds a few of your labelled images to a shipped
model, in seconds.
"""

import cv2
import matplotlib.pyplot as plt
import numpy as np

from classic_eyes import EyeClassifier, load_model
from classic_eyes.metrics import accuracy
from classic_eyes.synthetic import EyeParameters, render

# %%
# Images of an unusual camera: pale and blurred, with narrow, tilted eyes.


def unusual_eyes(n, seed):
    """Return images of narrow eyes before a bad camera, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    images = [
        render(
            EyeParameters(
                opening=rng.uniform(0.3, 0.7) if label else rng.uniform(0, 0.08),
                aspect=rng.uniform(0.2, 0.25),
                tilt=rng.uniform(5, 20),
                exposure=0.1,
                contrast=0.5,
                blur=1.2,
                noise=5.0,
                makeup=0.4,
                skin=rng.random(),
            ),
            size=48,
            random_state=rng,
        )[0]
        for label in labels
    ]
    return np.array(images), labels


mine, labels = unusual_eyes(80, 0)
test, truth = unusual_eyes(300, 1)
shipped = load_model()
before = accuracy(truth, shipped.predict_proba(test)[:, 1])

# %%
# Add 10, 20, 40 and 80 labelled images, and evaluate on others.

counts = [10, 20, 40, 80]
after = []
for count in counts:
    clf = EyeClassifier(start_from="default").fit(mine[:count], labels[:count])
    after.append(accuracy(truth, clf.predict_proba(test)[:, 1]))
    print(f"{count} labels: accuracy {after[-1]:.3f}")

figure, (eyes, axis) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=(1, 1.6))
eyes.imshow(cv2.hconcat([cv2.vconcat(list(mine[k : k + 3])) for k in (0, 3, 6)]), vmin=0, vmax=255)
eyes.set_axis_off()
eyes.set_title("nine of the images", fontsize=11)
axis.axhline(before, color="0.5", linestyle="--", label="as shipped")
axis.plot(counts, after, "o-", color="#0b6480", label="with labels of one's own")
axis.set(xlabel="labelled images", ylabel="accuracy", xticks=counts)
axis.legend(frameon=False)
# sphinx_gallery_alt = "Nine pale, blurred eyes, and the accuracy on such eyes: it rises with the number of"
# sphinx_gallery_alt = "labelled images above that of the shipped model."
plt.show()
