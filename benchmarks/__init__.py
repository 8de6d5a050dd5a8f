"""Benchmarks and studies for maintainers: which features, classifiers and recipes are worth their cost."""
