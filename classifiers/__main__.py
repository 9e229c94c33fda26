"""``python -m classifiers`` runs the worker."""

from classifiers.main import main

if __name__ == "__main__":
    main()
