"""Draw docs/guides/photographs.jpg: a photograph with its predictions, and patches with their six landmarks.

    python tools/draw_faces.py docs/guides/photographs.jpg

The photograph shows Eileen Collins (NASA, public domain), from scikit-image. The first two patches are hers, the others
are synthetic.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from skimage import data

from classic_eyes.descriptors.ear import eye_aspect_ratio, eye_points
from classic_eyes.faces import FaceReader, draw_faces
from classic_eyes.inference.program import reduce_images
from classic_eyes.synthetic import make_eyes

ZOOM, COLUMNS, GAP = 7, 4, 14


def patches(images: np.ndarray) -> np.ndarray:
    """Return a sheet of patches with their landmarks and eye aspect ratios."""
    points, _ = eye_points(images)
    side = 24 * ZOOM
    cells = []
    for image, six in zip(images, points, strict=True):
        large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
        cell = cv2.cvtColor(large, cv2.COLOR_GRAY2RGB)
        places = (six + 0.5) * ZOOM
        cv2.polylines(cell, [np.rint(places).astype(np.int32)], True, (20, 20, 20), 4, cv2.LINE_AA)
        cv2.polylines(cell, [np.rint(places).astype(np.int32)], True, (86, 180, 233), 2, cv2.LINE_AA)
        for x, y in places:
            cv2.circle(cell, (round(x), round(y)), 4, (240, 228, 66), -1, cv2.LINE_AA)
        text = np.full((30, side, 3), 250, np.uint8)
        cv2.putText(
            text,
            f"EAR {float(eye_aspect_ratio(six)):.2f}",
            (2, 22),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.62,
            (30,) * 3,
            1,
            cv2.LINE_AA,
        )
        cells.append(cv2.copyMakeBorder(np.vstack([cell, text]), 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(250,) * 3))
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    return np.vstack(rows)


def main() -> None:
    """Write the image."""
    reader = FaceReader()
    photograph = data.astronaut()[:330, 40:430]
    faces = reader.read(photograph)
    drawn = draw_faces(photograph, faces)
    eyes = make_eyes(40, random_state=11)
    chosen = np.concatenate([eyes.images[eyes.labels == 1][:5], eyes.images[eyes.labels == 0][:5]])
    hers = reduce_images(np.stack([eye.patch for eye in faces[0].eyes]), chosen.shape[1])
    sheet = patches(np.concatenate([hers, chosen]))
    zoom = len(sheet) / len(drawn)
    scaled = cv2.resize(drawn, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    gap = np.full((len(sheet), 2 * GAP, 3), 250, np.uint8)
    cv2.imwrite(sys.argv[1], np.hstack([scaled, gap, sheet])[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
