"""`EyePredictor`: a trained model that answers with numpy and OpenCV alone."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._utils.shipped import shipped_model
from ._utils.threads import one_thread
from .calibration.adaptation import Adaptation, fit_adaptation
from .calibration.threshold import Calibration, calibrate
from .errors import ModelError
from .images import as_image, as_images
from .inference.novelty import verdicts
from .inference.program import Program
from .persistence import read_compiled

__all__ = ["EyePredictor"]


class EyePredictor:
    """Tell open eyes from closed ones by a compiled model: no scikit-learn, no code from the file.

    It answers as the `classic_eyes.EyeClassifier` from which it was made, to 1e-4 in probability, and cannot learn.

    Parameters
    ----------
    program : classic_eyes.inference.program.Program
        The arithmetic.
    about : dict, optional
        What the file says of itself: format, versions, digest of the estimator's file.

    Attributes
    ----------
    size : int
        Side to which images are reduced, in pixels.
    about : dict
        As given.
    unsure_ : float
        Log odds nearer to 0 than that are not sure.
    novelty_ : classic_eyes.inference.novelty.Novelty or None
        How unlike an eye an image is; None for a model that was trained without it.

    Examples
    --------
    >>> from classic_eyes import EyePredictor
    >>> from classic_eyes.synthetic import make_eyes
    >>> clf = EyePredictor.pretrained()
    >>> eyes = make_eyes(20, random_state=0)
    >>> clf.predict(eyes.images).shape
    (20,)
    >>> 0 <= clf.predict_one(eyes.images[0]) <= 1
    True
    """

    def __init__(self, program: Program, about: dict[str, Any] | None = None) -> None:
        self.program = program
        self.about = about or {}
        self.size = program.size
        # By the names that they have in `EyeClassifier`.
        self.unsure_ = program.unsure
        self.novelty_ = program.novelty

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EyePredictor:
        """Read a compiled model; the file can run no code, so it needs no trust.

        Parameters
        ----------
        path : path
            A ``.npz`` file that `EyeClassifier.save` or ``classic-eyes train`` wrote.

        Returns
        -------
        EyePredictor
            Ready to answer.

        Raises
        ------
        ModelError
            For a file that is missing, damaged, of a newer format, or that does not reproduce its recorded answers.
        """
        return cls(*read_compiled(path))

    @classmethod
    def pretrained(cls, name: str = "default") -> EyePredictor:
        """Return a model that ships with the library.

        Parameters
        ----------
        name : str, default ``"default"``
            A key of `classic_eyes._utils.shipped.SHIPPED_MODELS`.

        Returns
        -------
        EyePredictor
            Ready to answer.

        Raises
        ------
        ModelError
            For an unknown name, or a file that is missing or altered.
        """
        return cls.load(shipped_model(name, ".npz"))

    def probability(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of open for images that came through the gate.

        Parameters
        ----------
        images : uint8 array of shape (n, size, size)
            As `classic_eyes.images.as_images` gives them.

        Returns
        -------
        float64 array of shape (n,)
            From 0 to 1.
        """
        return self.program.probability(images)

    def probability_and_novelty(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of open and how unlike an eye images are that came through the gate.

        Parameters
        ----------
        images : uint8 array of shape (n, size, size)
            As `classic_eyes.images.as_images` gives them.

        Returns
        -------
        float64 array of shape (n, 2)
            Columns probability, from 0 to 1, and novelty, 0 or more.

        Raises
        ------
        ModelError
            For a model that was trained without novelty.
        """
        if self.novelty_ is None:
            raise ModelError("the model does not know what is no eye; train it again, with 200 images or more")
        return np.column_stack([self.program.probability(images), self.novelty_.score(images)])

    def verdict(self, images: Any) -> list[str]:
        """Say of images whether they show an open eye, a closed one or none, or that the model is not sure.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        list of str
            Of ``closed``, ``open``, ``unsure`` and ``not-an-eye``; see `classic_eyes.inference.novelty.verdicts`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        ModelError
            For a model that was trained without novelty.
        """
        X = as_images(images, size=self.size)
        with one_thread():
            probability, novelty = self.probability_and_novelty(X).T
        return verdicts(probability, novelty, unsure=self.unsure_)

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """Return the calibrated log odds of open; positive means open.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n,)
            Log odds.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        X = as_images(images, size=self.size)
        with one_thread():
            return self.program.log_odds(X)

    def predict_proba(self, images: Any) -> NDArray[np.float64]:
        """Return the calibrated probabilities of closed and of open.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        float64 array of shape (n, 2)
            Columns closed, open; each row adds up to 1.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        X = as_images(images, size=self.size)
        with one_thread():
            open_ = self.program.probability(X)
        return np.column_stack([1 - open_, open_])

    def predict(self, images: Any) -> NDArray[np.int64]:
        """Return 1 for each open eye and 0 for each closed one.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            See `classic_eyes.images.as_images`.

        Returns
        -------
        int64 array of shape (n,)
            1 where the probability of open is a half or more.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        return (self.decision_function(images) >= 0).astype(np.int64)

    def predict_one(self, image: Any) -> float:
        """Return the probability of open for one image, with as little around it as can be: for a camera's loop.

        Parameters
        ----------
        image : array of shape (h, w) or (h, w, 3)
            One eye, values as in `classic_eyes.images.as_images`.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ImageError
            For an image that cannot be used.
        """
        return float(self.program.probability(as_image(image, size=self.size))[0])

    @property
    def fingerprint(self) -> str:
        """Return what tells its answers from those of another model.

        Returns
        -------
        str
            The digest of the estimator from which it was made; empty where that was never written.
        """
        return str(self.about.get("model_sha256") or "")

    def adapt(self, images: Any) -> Adaptation:
        """Find where the answers about an unlabelled folder fall in two.

        Parameters
        ----------
        images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            100 or more, open and closed, of one source.

        Returns
        -------
        Adaptation
            ``adaptation.probability(clf.predict_proba(images)[:, 1])`` are the probabilities of open there; where it
            declines, they stay as they are. See `classic_eyes.calibration.adaptation.fit_adaptation`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        """
        return fit_adaptation(self.decision_function(images))

    def calibrate(self, open_images: Any, closed_images: Any = None) -> Calibration:
        """Fit one person's own threshold to a few dozen of their images.

        Parameters
        ----------
        open_images : array (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
            12 or more of their open eyes.
        closed_images : the same, optional
            12 or more of their closed eyes.

        Returns
        -------
        Calibration
            ``calibration.threshold.value`` is the probability from which on this person's eyes are open; see
            `classic_eyes.calibration.threshold.fit_threshold`.

        Raises
        ------
        ImageError
            For images that cannot be used.
        DataError
            For too few, or closed eyes that answer no lower than open ones.

        Examples
        --------
        >>> from classic_eyes.synthetic import make_eyes
        >>> eyes = make_eyes(60, random_state=2)
        >>> mine = EyePredictor.pretrained().calibrate(eyes.images[eyes.labels == 1], eyes.images[eyes.labels == 0])
        >>> 0 < mine.threshold.value < 1
        True
        """
        closed = None if closed_images is None else self.decision_function(closed_images)
        return calibrate(self.decision_function(open_images), closed, model=self.fingerprint)

    def stages(self, images: NDArray[np.uint8]) -> dict[str, float]:
        """Say where the time goes.

        Parameters
        ----------
        images : uint8 array of shape (n, size, size)
            As `classic_eyes.images.as_images` gives them.

        Returns
        -------
        dict of str to float
            Seconds spent in ``features`` and in ``decision``.
        """
        return self.program.stages(images)
