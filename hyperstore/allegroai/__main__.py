"""`python -m hyperstore.allegroai SCRIPT [ARGS…]`."""

from hyperstore.allegroai.runner import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
