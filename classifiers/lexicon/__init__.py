"""A lexicon of weighted terms, found in a text all at once, that may be changed while the process runs."""
