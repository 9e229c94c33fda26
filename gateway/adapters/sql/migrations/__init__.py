"""How the tables came to be, step by step. `upgrade` brings a database to the newest step."""
