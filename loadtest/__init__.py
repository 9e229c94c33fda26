"""Load on a running gateway, and what it withstands: profiles, benchmark, and the upstream they publish to."""
