"""The daybook: what today has brought so far, and what was open in a period that is past."""
