"""``python -m recmind``: the command line."""

from recmind.agent.cli import main

if __name__ == "__main__":
    main()
