"""The loop: what an iteration came to beside the one before, and what to change in the next. Pure, knows no bus."""
