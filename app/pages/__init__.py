"""HTML for people: the frame and the words of every page. Imports app.api, app.connect and all below them."""
