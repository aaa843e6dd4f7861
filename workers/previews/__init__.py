"""Previews of mapping rules, evaluated and published."""
