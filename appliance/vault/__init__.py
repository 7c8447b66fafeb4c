"""The vault: values, codes, keys, file format and merging. Values and bytes only, no I/O."""
