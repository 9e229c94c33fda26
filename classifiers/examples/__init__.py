"""Classifiers to learn from. ``classifiers/README.md`` shows how they run; none of them does by itself."""
