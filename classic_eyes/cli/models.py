"""Which model answers."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from .._utils.shipped import SHIPPED_MODELS, shipped_model
from .._utils.threads import one_thread
from ..errors import ModelError
from ..persistence import compiled_path, read_header, sha256
from ..predictor import EyePredictor

if TYPE_CHECKING:
    from ..classifier import EyeClassifier

__all__ = ["add_model_arguments", "fingerprint_of", "open_model", "probability_of", "unsure_of"]


def add_model_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments that say which model answers.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Gets the arguments.
    """
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="a model that train wrote, NAME.npz, NAME.skops or NAME.joblib, or the name of one that ships: "
        f"{', '.join(SHIPPED_MODELS)}; default: default",
    )
    parser.add_argument(
        "--trust-model",
        action="store_true",
        help="read a joblib file without its compiled form beside it, although it can run code",
    )


def open_model(model: str | None, *, trusted: bool = False) -> EyePredictor | EyeClassifier:
    """Open the model that a user asks for, without scikit-learn wherever that can be.

    1. None is the default one; a name in ``SHIPPED_MODELS`` that no file has is the one that ships under it.
    2. A ``.npz`` is read as it is.
    3. Of any other file the compiled form is read, if one of the same name lies beside it and says that it is of this
       very file; else the file itself, which can run code.

    Parameters
    ----------
    model : str, optional
        What the user typed.
    trusted : bool, default False
        Whether the user knows where a joblib file comes from.

    Returns
    -------
    EyePredictor or EyeClassifier
        Ready to answer.

    Raises
    ------
    ModelError
        For a file that is missing, damaged, of a newer format or not trusted.
    """
    named = model or "default"
    if model is None or (model in SHIPPED_MODELS and not os.path.exists(model)):
        compiled: str | None = str(shipped_model(named, ".npz"))
    elif not os.path.exists(model):
        raise ModelError(
            f"--model {model!r}: no model file of this name; allowed is a .npz, .skops or .joblib file that "
            f"classic-eyes train wrote, or one of {', '.join(SHIPPED_MODELS)}"
        )
    else:
        compiled = model if model.endswith(".npz") else _compiled_form(model)
    if compiled is not None:
        # A model proves itself by eight images; on a busy machine, threads waiting for each other made that take
        # 0.4 s instead of 0.02.
        with one_thread():
            return EyePredictor.load(compiled)
    from ..classifier import EyeClassifier

    return EyeClassifier.load(named, trusted=trusted)


def _compiled_form(model: str) -> str | None:
    if os.path.isfile(model) and (beside := compiled_path(model)).is_file():
        # A damaged one, or one of another model, is as good as none.
        with suppress(ModelError, OSError):
            if read_header(beside).get("model_sha256") == sha256(model):
                return str(beside)
    return None


def probability_of(model: EyePredictor | EyeClassifier, *, novelty: bool = False) -> Callable[[Any], Any]:
    """Return what `classic_eyes.inference.score_files` asks of a model.

    Parameters
    ----------
    model : EyePredictor or EyeClassifier
        What answers.
    novelty : bool, default False
        Whether to ask also how unlike an eye images are.

    Returns
    -------
    callable
        From uint8 (n, size, size) to the probability of open, (n,), or with the novelty in a second column, (n, 2).
    """
    if isinstance(model, EyePredictor):
        return model.probability_and_novelty if novelty else model.probability
    if novelty:
        return lambda batch: np.column_stack([model.predict_proba(batch)[:, 1], model.novelty_score(batch)])
    return lambda batch: model.predict_proba(batch)[:, 1]


def fingerprint_of(model: EyePredictor | EyeClassifier) -> str:
    """Return what tells a model's answers from those of another.

    Parameters
    ----------
    model : EyePredictor or EyeClassifier
        What answers.

    Returns
    -------
    str
        A digest; empty for an estimator, which does not know its own file.
    """
    return model.fingerprint if isinstance(model, EyePredictor) else ""


def unsure_of(model: EyePredictor | EyeClassifier) -> float:
    """Return how far log odds must be from those of the threshold for a model to be sure.

    Parameters
    ----------
    model : EyePredictor or EyeClassifier
        What answers.

    Returns
    -------
    float
        0 or more.

    Raises
    ------
    ModelError
        For a model that was trained without novelty, and so gives no verdicts.
    """
    if model.novelty_ is None:
        raise ModelError("--verdict: the model does not know what is no eye; train it again, with 200 images or more")
    return model.unsure_
