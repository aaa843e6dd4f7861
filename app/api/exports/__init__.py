"""What exports are made of: their parameters, their names, and workbooks that are streamed. Imports app.wiring."""
