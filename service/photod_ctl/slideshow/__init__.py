"""The slideshow: the best photos full screen, best first."""
