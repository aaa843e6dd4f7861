"""Tells answers that last that their process is to stop. `gunicorn.conf.py` sets it."""

from threading import Event

stopping = Event()
