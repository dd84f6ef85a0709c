"""The website: pages, templates, style, a little script."""
