"""The demonstration folder: scenes, what spoils them, and files of every kind."""
