"""Other programs' formats: bytes in, accounts out."""
