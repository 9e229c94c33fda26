"""Pure code: no await, no clock, no environment, no log. What it computes can be computed again."""
