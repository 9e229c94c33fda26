"""Linear models over hashed n-grams: what a text is made of, what a model makes of it, and where it is kept."""
