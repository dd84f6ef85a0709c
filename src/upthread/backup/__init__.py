"""Backup and restore: everything a site keeps as one file, taken while it runs, from either engine and into either.

Rooms say what there is (``records.py``) and how their stores read and add it (``sqlite_backup.py``,
``mongo_backup.py``). This room reads all of them as of one moment, keeps the file, and restores it whole or not at all.
"""
