"""A lost node: what it holds, who drains it, which pods may go, and what proves it dead.

Pure, and no handler, guard or record here: those ask these.
"""
