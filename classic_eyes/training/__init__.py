"""What `EyeClassifier.fit` calls: training set, pipelines and their compiled form, fitting, non-eye detection."""

from .._utils import training_packages  # noqa: F401
