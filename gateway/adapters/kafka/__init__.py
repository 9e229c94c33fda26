"""Kafka: questions out, opinions in, decisions announced."""
