"""pvmedic's remediator: repairs what alerts report, after looking again, and only what its guards allow."""
