"""How the shipped models are made from labelled rows, and how good they are. Needs the development requirements."""
