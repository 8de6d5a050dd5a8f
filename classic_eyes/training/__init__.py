"""What `EyeClassifier.fit` calls: pipelines, training set, fitting, compiling, non-eye detection."""

from .._utils import training_packages  # noqa: F401
