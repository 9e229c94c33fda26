"""Identity providers: their webhooks read, their requests signed, and which of them are configured. Pure."""
