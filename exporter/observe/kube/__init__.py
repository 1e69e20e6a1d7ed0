"""The Kubernetes API server as the world.

Who we are to it, one client, one list-and-watch loop per kind.
"""
