"""
Blinks in a signal
==================

``find_events`` finds blinks, partial blinks, long closures and winks in the signals of two eyes.
"""

import matplotlib.pyplot as plt
import numpy as np

from classic_eyes.video import find_events

# %%
# Ten seconds at 25 frames a second, computed from a formula: lids go down quickly and up more slowly. ``openness`` is 1
# for eyes as open as usual and 0 for closed ones. For a video it is measured; see :doc:`/guides/video`.

times = np.arange(250) / 25


def closure(start, down, shut, up, depth=1.0):
    """Return how far the lids are down over time, from 0 to 1."""
    corners = np.cumsum([start, down, shut, up])
    return depth * np.interp(times, corners, [0, 1, 1, 0])


both = closure(1.0, 0.08, 0.08, 0.16) + closure(3.2, 0.08, 0.08, 0.16) + closure(5.0, 0.12, 0.9, 0.24)
partial = closure(7.2, 0.08, 0.04, 0.12, depth=0.7)
wink = closure(8.6, 0.1, 0.3, 0.15)
right, left = 1 - both - partial, 1 - both - partial - wink
openness = np.clip(np.column_stack([right, left]), 0.02, 1)

# %%
# The probability of open would come from a model. Here it follows the lids.

p_open = 1 / (1 + np.exp(-12 * (openness - 0.3)))
events = find_events(times, p_open, openness)
for event in events:
    print(
        f"{event.kind:8s} {event.eye:5s} {event.start_s:5.2f} s, {event.duration_ms:5.0f} ms, depth {event.depth:.2f}"
    )

# %%
figure, axis = plt.subplots(figsize=(9, 3.4))
axis.plot(times, openness[:, 0], color="#0b6480", label="right eye")
axis.plot(times, openness[:, 1], color="#b35806", linestyle="--", label="left eye")
for event in events:
    axis.axvspan(event.start_s, event.end_s, color="#b2182b", alpha=0.15, linewidth=0)
    axis.text((event.start_s + event.end_s) / 2, 1.06, event.kind, ha="center")
axis.set(xlabel="seconds", ylabel="openness", ylim=(0, 1.2), xlim=(0, 10))
axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
# sphinx_gallery_alt = "Openness of both eyes over ten seconds with two blinks, a long closure, a partial blink"
# sphinx_gallery_alt = "and a wink, each marked and named."
plt.show()

# %%
# The share of time with closed eyes. For a signal from a formula it can be checked by hand.

closed_s = sum(event.closed_ms for event in events if event.kind in ("blink", "long")) / 1000
print(f"lids together for {closed_s:.2f} of 10 seconds: {closed_s / 10:.1%}")
