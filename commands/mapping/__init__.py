"""`flask mapping`: streams and rules, taken out and in, previewed and published."""
