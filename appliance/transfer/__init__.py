"""Other programs' formats: bytes in, accounts out, and the other way round.

registry  which format a file has; the list of all formats and of all targets
formats   one module each: what it recognises, how it is read, and how it is written if it can be
content   a file, and every way of looking at its bytes (text, JSON, CSV, XML, zip)
row       the rows of a CSV file, by the names of its columns
entry     from an entry of a file to an account, or to the reason why not
cipher    other programs' encryption, with limits on what a file may ask for
archive   zip archives without tricks
keyed     property lists of iOS programs
database  SQLite databases without tricks; sqlcipher: those with encrypted pages
kdbx      KeePass databases: the way to their key; keepass_fields: what their entries mean
export    from accounts to a target's files: what it can hold, and the proof that they come back
found     the values that all of them exchange
trouble   the ways in which a whole file can't be read, in one wording
"""
