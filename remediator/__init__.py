"""pvmedic's remediator.

Repairs what alerts report, after looking again, and only what its guards allow.
"""
