"""``python -m tomoset`` is the command ``tomoset``."""

from tomoset.cli import main

if __name__ == "__main__":
    main()
