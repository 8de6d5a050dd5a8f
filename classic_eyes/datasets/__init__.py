"""Data sets: folders of images with their labels and groups, as a frozen `EyeSet`; splitting, loading, label files."""

from ..images.finding import find_images
from .eyeset import UNLABELLED, EyeSet, concatenate, describe, fingerprint, group_folds
from .label_files import read_assets_csv, read_votes
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
    "image_key",
    "load_images",
    "load_labelled",
    "merge_tables",
    "mrl_fields",
    "read_assets_csv",
    "read_class_folders",
    "read_eyes",
    "read_folder",
    "read_label_table",
    "read_mrl",
    "read_votes",
    "write_label_table",
]
