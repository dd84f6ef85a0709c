"""What brings the site into the cloud, looked at as far as that goes without one: chart, machines, playbooks."""
