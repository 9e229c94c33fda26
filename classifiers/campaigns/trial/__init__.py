"""How well near-duplicates are found: texts, ways to change them, and what is measured."""
