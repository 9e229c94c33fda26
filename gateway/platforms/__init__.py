"""The dialects of publish APIs: how a request becomes a message, and a decision an answer. Pure."""
