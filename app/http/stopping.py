"""A flag that tells long-lived responses that their process is to stop. `gunicorn.conf.py` sets it."""

from threading import Event

stopping = Event()
