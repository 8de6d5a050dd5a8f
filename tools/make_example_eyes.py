"""Write the example images: eyes, twenty synthetic ones and the two of an astronaut; and two photographs.

    python tools/make_example_eyes.py [FOLDER]

Writes the same files every time, into FOLDER/eyes and FOLDER/photographs; FOLDER defaults to examples.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from classic_eyes.synthetic import random_parameters, render

# Which eyes to draw: seed and opening. Chosen by looking at many, for variety; 17 and 39 wear glasses.
OPEN = ((0, 0.8), (2, 0.9), (4, 0.7), (13, 0.8), (17, 0.8), (27, 0.85), (31, 0.6), (39, 0.8), (53, 0.75), (56, 0.9))
CLOSED = ((5, 0.0), (11, 0.0), (15, 0.02), (17, 0.0), (23, 0.0), (31, 0.0), (42, 0.0), (39, 0.0), (46, 0.03), (53, 0.0))
SIZES = (24, 32, 40, 48, 64)  # pixels, in turn
AS_JPEG = (3, 9)  # numbers of the images of each state that are stored as JPEG
IN_COLOUR = (6,)
SKIN_BGR = (0.72, 0.84, 1.0)  # reflectance of skin under a lamp

# Top row, left column, side in pixels, in the public-domain portrait of Eileen Collins that comes with scikit-image.
ASTRONAUT = {"astronaut_right": (88, 189, 26), "astronaut_left": (90, 234, 28)}


def main(folder: Path) -> None:
    """Write all images below `folder`."""
    eyes, photographs = folder / "eyes", folder / "photographs"
    for each in (eyes, photographs):
        each.mkdir(parents=True, exist_ok=True)
    for state, chosen in (("open", OPEN), ("closed", CLOSED)):
        for number, (seed, opening) in enumerate(chosen, start=1):
            write_synthetic(eyes / f"synthetic_{state}_{number:02d}", number, seed, opening)
    astronaut = skimage.data.astronaut()[..., ::-1]
    for name, (top, left, side) in ASTRONAUT.items():
        write(eyes / f"{name}.png", astronaut[top : top + side, left : left + side])
    write(photographs / "collins.jpg", astronaut)
    write(photographs / "wall.jpg", cv2.resize(skimage.data.brick(), (256, 256), interpolation=cv2.INTER_AREA))


def write_synthetic(stem: Path, number: int, seed: int, opening: float) -> None:
    """Render one eye and write it."""
    parameters = random_parameters(opening, random_state=seed)
    image, _ = render(parameters, size=SIZES[number % len(SIZES)], random_state=seed)
    if number in IN_COLOUR:
        image = np.rint(image[..., None] * np.array(SKIN_BGR)).astype(np.uint8)
    write(stem.with_suffix(".jpg" if number in AS_JPEG else ".png"), image)


def write(path: Path, image: np.ndarray) -> None:
    """Write one image."""
    if not cv2.imwrite(str(path), image):
        raise OSError(f"could not write {path}")


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "examples", help="to write to"
    )
    main(parser.parse_args().folder)
