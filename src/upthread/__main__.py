"""``python -m upthread`` does what ``upthread`` does."""

from upthread.cli import main

if __name__ == "__main__":
    main()
