"""Where AWS calls us: parse, call one flow function, shape the answer."""
