"""`python -m smart_spawn` is the command `smart-spawn`."""

from smart_spawn.cli import main

if __name__ == "__main__":
    main()
