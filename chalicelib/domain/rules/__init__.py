"""The rules of sending as pure decisions: one file per rule, a value in and a verdict out."""
