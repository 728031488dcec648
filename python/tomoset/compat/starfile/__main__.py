"""``python -m starfile FILE``, which does nothing, successfully, as in `starfile`."""
