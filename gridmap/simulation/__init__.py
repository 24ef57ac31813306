"""Life for a synthetic city: a day of events and the staff that answers them, or a real stream replayed."""
