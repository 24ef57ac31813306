"""Devices: what they say, what is made of it by rules, and the door for MQTT."""
