"""Users of a ReadWriteMany claim that has to be freed: how each is stopped, and what is said of it.

Pure, and no handler or guard here: those ask these.
"""
