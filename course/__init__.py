"""The tool behind `make`: it finds, runs, checks and shows the lessons."""
