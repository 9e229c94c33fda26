"""The ``remote`` classifier: what a moderations endpoint over HTTP says. Messages leave the installation for it."""
