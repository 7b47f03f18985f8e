"""`photod init`: makes photod a service of systemd, and takes that back."""
