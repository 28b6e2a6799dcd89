"""`python -m hyperstore.allegroai SCRIPT [ARGS…]`."""

from hyperstore.allegroai.runner import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
