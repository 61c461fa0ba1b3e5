"""Scanner exports in, records out. One module per export format; `parsers.registry` lists them."""
