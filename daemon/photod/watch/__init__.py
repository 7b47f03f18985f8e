"""From events to candidates: what is worth reading, and when. The listing is the truth, events are hints."""
