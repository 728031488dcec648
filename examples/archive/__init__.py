"""The parts of ``make_archive.py``: one module for each thing found in an archive of tomography projects."""
