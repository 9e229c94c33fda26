"""Classifiers: pure functions from a message's text to opinions, and the Kafka worker that serves them."""
