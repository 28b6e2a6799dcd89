"""`python -m hyperstore` is the command."""

from hyperstore.cli.main import main

if __name__ == "__main__":
    main()
