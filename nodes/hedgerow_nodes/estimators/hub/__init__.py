"""Models of a hub: search, card, files and downloads behind one interface, and what a model there would cost here."""
