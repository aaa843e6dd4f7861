"""HTML pages: the frame and the wording they share. Imports app.api, app.connect and all below them."""
