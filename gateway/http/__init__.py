"""HTTP: the hot path, the API, the endpoints for operators."""
