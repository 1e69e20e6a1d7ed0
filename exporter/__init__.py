"""pvmedic's exporter: sees persistent-storage failures and publishes them. It changes nothing."""
