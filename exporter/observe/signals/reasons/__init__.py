"""Why a failure that a detector has seen happens, where that takes more than a page.

Pure values in, a reason and a sentence out. No detector lives here, and none is imported.
"""
