"""The world: databases, Kafka, upstreams. Foreign exceptions end here."""
