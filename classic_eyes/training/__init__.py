"""What `EyeClassifier.fit` calls: pipelines, training set, fitting, compiling, non-eye detection."""
