"""The steps of the canonical view, one file each, with their tables beside them; `classifiers.normalise` runs them."""
