"""Work orders: what is done about an event, who may do it, by when. Pure: no store, no clock of its own."""
