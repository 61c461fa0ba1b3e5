"""The core: pure functions over frames. No Prefect, no clock, no environment, no network."""
