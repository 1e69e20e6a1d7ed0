"""The command `pvmedic`: what a person reads of Remediations and says about them, as themselves.

Everything is done with the person's own kubeconfig and their own rights; the program's account is
never used. What texts mean to a person is in `show`, `why`; `__main__` has the command line.
"""
