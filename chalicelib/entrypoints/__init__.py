"""The places where AWS calls us: parse a request, call the inside once, and build the answer."""
