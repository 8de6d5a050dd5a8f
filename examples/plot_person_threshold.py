"""
A threshold for one person
==========================

A model that was trained on many people gives narrow open eyes a low probability. A few dozen images of one person are
enough to fit the threshold to this person.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes import load_model
from classic_eyes.synthetic import EyeParameters, render


def eyes_of_person(opening, n, seed):
    """Return images of a person with narrow eyes."""
    rng = np.random.default_rng(seed)
    return np.array(
        [
            render(
                EyeParameters(
                    opening=np.clip(rng.normal(opening, 0.05), 0, 1),
                    aspect=0.25,
                    skin=0.6,
                    tilt=rng.normal(0, 4),
                    gaze_x=rng.uniform(-0.5, 0.5),
                    exposure=rng.uniform(-0.2, 0.2),
                    noise=4.0,
                ),
                size=48,
                random_state=rng,
            )[0]
            for _ in range(n)
        ]
    )


# %%
# ``calibrate`` takes 12 or more images of open eyes, and closed ones if there are any. ``calibrated`` returns a model
# whose threshold is 0.5 again.

model = load_model()
calibration = model.calibrate(eyes_of_person(0.38, 24, 0), eyes_of_person(0.0, 24, 1))
own = model.calibrated(calibration)
print(f"this person's threshold: {calibration.threshold.value:.3f}")

opened, closed = eyes_of_person(0.38, 150, 2), eyes_of_person(0.0, 150, 3)
for name, each in (("as shipped", model), ("this person's threshold", own)):
    print(
        f"{name}: {each.predict(opened).mean():.2f} of open, {1 - each.predict(closed).mean():.2f} of closed eyes right"
    )

# %%
# The scores of open and closed eyes differ clearly. Only the usual threshold does not suit this person.

figure, axis = plt.subplots(figsize=(8, 3.2))
scores = model.decision_function(opened), model.decision_function(closed)
bins = np.linspace(min(map(np.min, scores)), max(map(np.max, scores)), 40)
axis.hist(scores[0], bins, color="#1b7837", alpha=0.7, label="open")
axis.hist(scores[1], bins, color="#b2182b", alpha=0.7, label="closed")
value = calibration.threshold.value
axis.axvline(0, color="0.4", linestyle="--", label="usual threshold")
axis.axvline(np.log(value / (1 - value)), color="black", label="this person's threshold")
axis.set(xlabel="log odds of open", ylabel="images")
axis.legend(frameon=False)
# sphinx_gallery_alt = "Histograms of the log odds of open and closed eyes of one person: most open eyes lie below"
# sphinx_gallery_alt = "the usual threshold, and above this person's."
plt.show()
