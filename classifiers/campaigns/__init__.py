"""Near-duplicate detection: nearly the same text from several accounts, or again and again from one."""
