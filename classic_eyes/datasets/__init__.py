"""Readers of data sets: a folder and its labels become one frozen :class:`EyeSet`.

A label is read from ``assets.csv``, from the names of an MRL tree or from one folder a class, and never guessed:
what has no label is -1. No picture is decoded here.
"""

from .eyeset import UNLABELLED, EyeSet, concatenate, fingerprint, group_folds
from .finding import find_pictures
from .labels import read_labelled_csv, read_votes
from .readers import mrl_fields, read_class_folders, read_eyes, read_folder, read_mrl
from .tables import (
    PREFERENCES,
    UNSURE,
    LabelTable,
    Merged,
    merge_tables,
    picture_key,
    read_label_table,
    write_label_table,
)

__all__ = [
    "PREFERENCES",
    "UNLABELLED",
    "UNSURE",
    "EyeSet",
    "LabelTable",
    "Merged",
    "concatenate",
    "find_pictures",
    "fingerprint",
    "group_folds",
    "merge_tables",
    "mrl_fields",
    "picture_key",
    "read_class_folders",
    "read_eyes",
    "read_folder",
    "read_label_table",
    "read_labelled_csv",
    "read_mrl",
    "read_votes",
    "write_label_table",
]
