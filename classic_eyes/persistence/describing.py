"""What a model is, as plain data: its arithmetic, and what its card says about training and accuracy."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..errors import ModelError
from ..inference.program import Block, Program, View
from .card import card_path, read_card

__all__ = ["describe_program", "describe_training", "own_card"]


def describe_program(program: Program) -> dict[str, Any]:
    """Return the settings and sizes of a fitted model; a view that wraps a classifier has no sizes."""
    views = [
        {
            "features": [_describe_block(block) for block in view.blocks if not block.mirrored],
            "n_features": sum(len(block.weights) for block in view.blocks),
            "n_components": len(view.support),
            "n_support_vectors": len(view.dual),
            "symmetric": view.symmetric,
            "aligned": view.aligned,
        }
        for view in program.views
        if isinstance(view, View)
    ]
    return {
        "size": program.size,
        "remove_glare": program.remove_glare,
        "views": views,
        "cascade_threshold": None if program.cascade is None else program.cascade.threshold,
        "flip_average": program.flip_average,
        "calibration": {"slope": program.slope, "intercept": program.intercept},
        "unsure": program.unsure,
        "detects_non_eyes": program.novelty is not None,
    }


def _describe_block(block: Block) -> str:
    settings = (f"{name}={value}" for name, value in block.settings.items() if not isinstance(value, np.ndarray))
    return f"{block.descriptor}({', '.join(settings)})"


def own_card(path: str | os.PathLike[str], name: str, digest: str) -> tuple[dict[str, Any] | None, bool]:
    """Return the card beside a model file, if there is one, and whether it is about the file of this digest."""
    if not card_path(path).exists():
        return None, False
    card = read_card(path)
    files = card.get("files")
    return card, isinstance(files, dict) and files.get(name) == digest


def describe_training(card: dict[str, Any] | None, shown: str) -> dict[str, Any]:
    """Return what a card says: parameters, sources, number of images, accuracies, their protocol, reference scores.

    Without a card, all of it is None.

    Raises
    ------
    ModelError
        For a card, which may come from anywhere, that is none of ours; ``shown`` is its name.
    """
    if card is None:
        return dict.fromkeys(("parameters", "trained_on", "n_images", "accuracy", "protocol", "score_reference"))
    try:
        sources = [
            {"path": str(part["path"]), "images": int(part["images"]), "groups": int(part.get("groups") or 0)}
            for part in card.get("data") or ()
        ]
        accuracy = {
            str(name): {
                "n": int(part["n"]),
                **{key: _number(part["accuracy"][key]) for key in ("value", "low", "high")},
            }
            for name, part in (card.get("results") or {}).items()
        }
        return {
            "parameters": dict(card.get("parameters") or {}),
            "trained_on": sources,
            "n_images": sum(source["images"] for source in sources),
            "accuracy": accuracy,
            "protocol": None if card.get("protocol") is None else str(card["protocol"]),
            "score_reference": None if card.get("score_reference") is None else dict(card["score_reference"]),
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"the card {shown!r} is none that classic-eyes train wrote; remove it or copy it again"
        ) from error


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
