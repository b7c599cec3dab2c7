"""What proves the pages: following them to the letter, and reading them beside the apps."""
