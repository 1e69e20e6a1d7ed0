"""What both programs are made with.

Settings, logs, web. It knows neither storage nor Kubernetes.
"""
