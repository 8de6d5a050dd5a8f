"""Readers of data sets: a folder and its labels become one frozen :class:`EyeSet`.

A label is read from ``assets.csv``, from the names of an MRL tree or from one folder a class, and never guessed:
what has no label is -1. No image is decoded here.
"""

from .eyeset import UNLABELLED, EyeSet, concatenate, describe, fingerprint, group_folds
from .finding import find_images
from .labels import load_labelled_csv, read_votes
from .loading import LoadedSet, load_images, load_labelled
from .readers import mrl_fields, read_class_folders, read_eyes, read_folder, read_mrl
from .tables import (
    PREFERENCES,
    UNSURE,
    LabelTable,
    Merged,
    image_key,
    merge_tables,
    read_label_table,
    write_label_table,
)

__all__ = [
    "PREFERENCES",
    "UNLABELLED",
    "UNSURE",
    "EyeSet",
    "LabelTable",
    "LoadedSet",
    "Merged",
    "concatenate",
    "describe",
    "find_images",
    "fingerprint",
    "group_folds",
    "load_images",
    "load_labelled",
    "merge_tables",
    "mrl_fields",
    "image_key",
    "read_class_folders",
    "read_eyes",
    "read_folder",
    "read_label_table",
    "load_labelled_csv",
    "read_mrl",
    "read_votes",
    "write_label_table",
]
