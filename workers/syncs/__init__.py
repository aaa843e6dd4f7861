"""Syncs: asked for, worked on in turns, proven, ended. Every run is a row; nothing is under way outside of it."""
