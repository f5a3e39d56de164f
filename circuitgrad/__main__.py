"""The command line as `python -m circuitgrad`."""

from circuitgrad.cli import main

if __name__ == "__main__":
    main(prog_name="circuitgrad")
