"""Which models ship with the library, and where they lie: names and places, nothing is read."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError

__all__ = ["SHIPPED_MODELS", "shipped_file", "shipped_model"]

# Names in models/ and the digests of their joblib files; a joblib file that is not here needs trusted=True.
SHIPPED_MODELS = {
    "default": "3e2bb3e40d56a76537ea19e72e3fdd17548c3883a56f7d3900707cd473e5129a",
    "fast": "7f0cec535b60b02bda7010912c8a73aaa3764346a129a6fac9bb825df3007ee7",
}


def shipped_model(name: str = "default", ending: str = ".joblib") -> Path:
    """Return the path of a model that ships with the library, from a wheel or a clone.

    Parameters
    ----------
    name : str, default ``"default"``
        A key of `SHIPPED_MODELS`.
    ending : str, default ``".joblib"``
        ``.joblib`` for the estimator, ``.npz`` for its compiled form.

    Returns
    -------
    pathlib.Path
        The file; its card, ending in ``.json``, lies beside it.

    Raises
    ------
    ModelError
        For an unknown name, or where the file is missing.

    Examples
    --------
    >>> shipped_model().name
    'default.joblib'
    """
    if name not in SHIPPED_MODELS:
        raise ModelError(f"no shipped model is called {name!r}; there are {', '.join(SHIPPED_MODELS)}")
    return shipped_file(f"{name}{ending}")


def shipped_file(name: str) -> Path:
    """Return the path of a file of the folder ``models``, from a wheel or a clone.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ModelError
        Where it is missing.

    Examples
    --------
    >>> shipped_file("default.json").name
    'default.json'
    """
    package = Path(__file__).resolve().parent
    places = [package / "models", package.parent / "models"]
    for place in places:
        if (path := place / name).is_file():
            return path
    raise ModelError(f"the shipped file {name!r} is missing from {places[0]}; install classic-eyes again")
