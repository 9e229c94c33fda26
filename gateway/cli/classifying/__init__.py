"""The parts of `gateway classify`: reading messages, judging one, showing what was found, counting."""
