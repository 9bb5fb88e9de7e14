"""``python -m nachuan``: the command, however it was installed."""

from nachuan.cli import main

if __name__ == "__main__":
    main()
