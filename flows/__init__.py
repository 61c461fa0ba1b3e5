"""The shell: Prefect flows, schedules, the command line. Reads and writes; holds no rules."""
