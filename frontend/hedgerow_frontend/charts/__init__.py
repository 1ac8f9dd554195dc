"""Charts drawn on the server as SVG: readable in light and dark, with titles for those who do not see them."""
