"""Tests of pages in a real browser. A package, so that the browser and the deployment end with its last test."""
